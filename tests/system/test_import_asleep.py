"""A run without a gateway, then sleep, then a gateway: imported with its date. Real firmware, bleak and command line.

Time runs 32 times as fast as life.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import numpy as np
from support.host_pods import AirWorld, HostPod
from support.pod_runs import BEGAN, PodRuns
from support.powered import RATE_HZ, lying, nudged

from evenstride_analysis.model import Side
from evenstride_analysis.simulate import uneven
from evenstride_gateway.store import Placement, Store
from evenstride_gateway.virtual.world import POD_IDS

RUN_S, LIES_S, NUDGED_S = 60.0, 420.0, 600.0


async def until_advertising(world: AirWorld, pods: int) -> None:
    """So many of the pods, no more and no less, can be found."""
    async with asyncio.timeout(60):
        while sum(radio.le_legacy_advertiser.enabled for radio in world.radios) != pods:  # noqa: ASYNC110 - programs
            await asyncio.sleep(0.02)


def test_a_run_that_the_pods_slept_off_has_its_date(tmp_path: Path) -> None:
    runs = PodRuns(tmp_path / "pods", uneven(0.12, duration_s=RUN_S + 5).runner(1), RUN_S, speed=32.0)
    rest = np.concatenate([lying(round(LIES_S * RATE_HZ)), nudged(round(NUDGED_S * RATE_HZ))])
    for side in Side:
        counts = np.concatenate([runs.counts[side], rest])
        (runs.folder / f"{side.value}.bin").write_bytes(counts.astype("<i2").tobytes())
    with Store.open(tmp_path / "data") as store:
        for side, pod_id in POD_IDS.items():
            store.put_placement(Placement(pod_id=pod_id, side=side))

    async def slept(world: AirWorld, pods: dict[Side, HostPod]) -> None:
        for awake in (len(pods), 0, len(pods)):
            await until_advertising(world, awake)

    done = runs.evenstride(slept, "pods", "import", "--runner", "Ada", "--json")
    (made,) = json.loads(done.out)["sessions"]
    assert made["date_error_s"] < 60.0  # two seconds of life, and less than they slept
    with Store.open(tmp_path / "data", readonly=True) as store:
        session = store.session(made["session"])
        strides = {side: [s for s in store.strides(session.session_id) if s.side is side] for side in Side}
        boots = {(anchor.pod_id, anchor.boot_id) for pod_id in POD_IDS.values() for anchor in store.anchors(pod_id)}
    assert len(boots) == 4  # of both pods: the one that ran, and the one that was woken
    assert session.started_at is not None
    for side in Side:
        truth = runs.truth(side)
        assert len(strides[side]) > 0.9 * len(truth)
        for stride, true in ((strides[side][0], truth[0]), (strides[side][-1], truth[-1])):
            ran = session.started_at + timedelta(seconds=stride.published_t_s)
            off_s = (ran - BEGAN).total_seconds() - true.strike_s
            assert abs(off_s) <= made["date_error_s"] + 3.0  # a few strides at either end may be missing
