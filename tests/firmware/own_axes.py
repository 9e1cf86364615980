"""What a pod measures in the axes that it finds by itself, beside the gateway in the axes that that finds.

python -m tests.firmware.own_axes            # all trials of ../shared/data/rbds, sensors turned at random

The pod knows ten seconds of running when it turns to its axes, the gateway the whole trial; the truth is the markers'.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from evenstride_analysis.frames import checked_rotation, turn_between_rad
from evenstride_analysis.model import Stride
from evenstride_analysis.placement.alignment import align

from .agreement import DATA, PROGRAM, SEED, Agreement, trials
from .on_pod import Signal, on_gateway, own_on_pod
from .signals import trial_signals

_Z = slice(6, 9)


@dataclass(slots=True, kw_only=True)
class OwnAxes:
    """Angles in degrees, a value for each leg of each trial; strides pod less gateway, each in its own axes."""

    without: int = 0  # signals in which the pod found no axes
    pod_deg: list[float] = field(default_factory=list[float])  # pod to truth
    gateway_deg: list[float] = field(default_factory=list[float])  # gateway to truth
    apart_deg: list[float] = field(default_factory=list[float])  # pod to gateway
    flexion_deg: list[float] = field(default_factory=list[float])  # the same, of the flexion axes
    strides: Agreement = field(default_factory=Agreement)
    truth: Agreement = field(default_factory=Agreement)  # the pod in its own axes, the gateway in the true ones

    def add(self, program: Path, signal: Signal) -> None:
        """One leg of one trial."""
        axes, pod = own_on_pod(program, signal)
        if not axes:
            self.without += 1
            return
        own = axes[0].rotation
        gateway = on_the_gateway(signal)
        self.pod_deg.append(degrees_apart(own, signal.rotation))
        self.gateway_deg.append(degrees_apart(gateway, signal.rotation))
        self.apart_deg.append(degrees_apart(own, gateway))
        cosine = float(np.dot(own[_Z], gateway[_Z]))
        self.flexion_deg.append(math.degrees(math.acos(min(max(cosine, -1.0), 1.0))))
        for agreement, rotation in ((self.strides, gateway), (self.truth, signal.rotation)):
            agreement.add(since(pod, on_gateway(replace(signal, rotation=rotation))), pod)

    def report(self) -> str:
        """A table of the angles, then strides."""
        lines = [f"{'degrees':<34} {'median':>7} {'95 %':>7} {'largest':>7}"]
        for name, angles in (
            ("pod to truth", self.pod_deg),
            ("gateway to truth", self.gateway_deg),
            ("pod to gateway", self.apart_deg),
            ("pod to gateway, flexion axis", self.flexion_deg),
        ):
            low, high = np.quantile(angles, (0.5, 0.95))
            lines.append(f"{name:<34} {low:>7.2f} {high:>7.2f} {max(angles):>7.2f}")
        lines.append(f"{len(self.pod_deg)} legs, {self.without} without axes")
        for name, agreement in (("gateway in its own axes", self.strides), ("gateway in the true axes", self.truth)):
            lines += [agreement.row(name), agreement.measures(), *impacts(agreement)]
        return "\n".join(lines)


def impacts(agreement: Agreement) -> list[str]:
    """Bias and SD of what depends on the axes."""
    pairs = (("axial impact, m/s2", agreement.axial_mps2), ("heading, rad", agreement.heading_rad))
    return [f"  {name:<24} mean {np.mean(values):+.3f}, SD {np.std(values):.3f}" for name, values in pairs if values]


def since(pod: Sequence[Stride], gateway: Sequence[Stride]) -> list[Stride]:
    """The gateway's strides from the pod's first one on: what came before had no axes."""
    begin = pod[0].strike_s - 0.25 if pod else math.inf
    return [stride for stride in gateway if stride.strike_s > begin]


def on_the_gateway(signal: Signal) -> tuple[float, ...]:
    """The axes that the gateway finds in all of a signal."""
    counts = signal.counts.astype(np.float64)
    accel, gyro = counts[:, :3] * signal.accel_scale, counts[:, 3:] * signal.gyro_scale
    return align(accel, gyro, signal.rate_hz).rotation


def degrees_apart(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The angle of the turn from one to the other."""
    return math.degrees(turn_between_rad(checked_rotation(one), checked_rotation(other)))


def measured(program: Path, paths: Iterable[Path]) -> OwnAxes:
    """Both legs of some trials."""
    whole = OwnAxes()
    for path in paths:
        for signal in trial_signals(path, SEED):
            whole.add(program, signal)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--every", type=int, default=1)
    chosen = parser.parse_args(arguments)
    print(measured(chosen.program, trials(chosen.data, chosen.every)).report())  # noqa: T201 - what the command is for
    return 0


if __name__ == "__main__":
    sys.exit(main())
