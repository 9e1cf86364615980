"""A stored session made of steps, pod time being session time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from evenstride_analysis.model import Side, Step, Stride
from evenstride_gateway.closing import regrid
from evenstride_gateway.config import SymmetryConfig
from evenstride_gateway.results import system_error
from evenstride_gateway.store import Store
from support.store_data import BOOT, LEFT_POD, RIGHT_POD, START, begin, pod
from support.turns import RATE_HZ

PODS = {Side.LEFT: LEFT_POD, Side.RIGHT: RIGHT_POD}
CONFIG = SymmetryConfig()


def worn(step: Step) -> Stride:
    """The stride as the pod of its leg finds it."""
    return replace(
        step.stride,
        pod_id=PODS[step.side],
        boot_id=BOOT,
        strike_index=int(step.t_s * RATE_HZ),
        end_index=int((step.t_s + step.stride.stride_s) * RATE_HZ),
        strike_s=step.t_s,
        toe_off_s=step.t_s + step.stride.stance_s,
        end_s=step.t_s + step.stride.stride_s,
    )


def keep(store: Store, steps: Sequence[Step]) -> None:
    """Session s1 of runner anna, ended."""
    begin(store)
    for pod_id in PODS.values():
        store.put_pod(pod(pod_id, rate_hz=RATE_HZ))
    store.apply_strides("s1", [worn(step) for step in steps])
    regrid(store, "s1", system_error(CONFIG))
    store.end_session("s1", START + timedelta(seconds=steps[-1].t_s + 2.0))
