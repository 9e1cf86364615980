"""How well the strides of the pod's firmware agree with the gateway's on the same counts.

python -m tests.firmware.agreement            # all trials of ../shared/data/rbds and the simulator: a table
python -m tests.firmware.agreement --every 6  # every sixth trial
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evenstride_analysis.model import Stride

from .on_pod import Signal, on_gateway, on_pod
from .signals import simulated, trial_signals

LIMIT_S = 0.002
GOAL = 0.995
SEED = 6
_REACH_S = 0.250
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "rbds"
PROGRAM = Path(__file__).resolve().parents[2] / "firmware" / "target" / "release" / "evenstride-agree"


@dataclass(slots=True, kw_only=True)
class Agreement:
    """Counts and differences (pod less gateway) over any number of signals."""

    strides: int = 0  # of the gateway
    missing: int = 0  # on the pod
    extra: int = 0
    doubts: int = 0  # pairs whose doubts differ
    event_s: list[float] = field(default_factory=list[float])  # the largest of the three events' differences, per pair
    contact_s: list[float] = field(default_factory=list[float])
    toe_off_s: list[float] = field(default_factory=list[float])
    axial_mps2: list[float] = field(default_factory=list[float])
    loading: list[float] = field(default_factory=list[float])  # relative
    heading_rad: list[float] = field(default_factory=list[float])
    sd_s: list[float] = field(default_factory=list[float])
    unlike: int = 0  # pairs of which only one has an impact, a loading rate or a heading

    @property
    def share(self) -> float:
        """Strides whose three events agree within 2 ms; one that only one of the two found counts as none."""
        agree = sum(each <= LIMIT_S for each in self.event_s)
        return agree / max(self.strides + self.extra, 1)

    def add(self, gateway: Sequence[Stride], pod: Sequence[Stride]) -> None:
        """Pair strides by contact and keep their differences."""
        self.strides += len(gateway)
        strikes = np.array([stride.strike_s for stride in pod])
        used: set[int] = set()
        for stride in gateway:
            nearest = int(np.argmin(np.abs(strikes - stride.strike_s))) if len(strikes) else -1
            if nearest < 0 or nearest in used or abs(strikes[nearest] - stride.strike_s) > _REACH_S:
                self.missing += 1
                continue
            used.add(nearest)
            self._pair(stride, pod[nearest])
        self.extra += len(pod) - len(used)

    def _pair(self, gateway: Stride, pod: Stride) -> None:
        contact, toe_off = pod.strike_s - gateway.strike_s, pod.toe_off_s - gateway.toe_off_s
        self.contact_s.append(contact)
        self.toe_off_s.append(toe_off)
        self.event_s.append(max(abs(contact), abs(toe_off), abs(pod.end_s - gateway.end_s)))
        self.sd_s.append(pod.stance_sd_s - gateway.stance_sd_s)
        self.doubts += pod.doubt != gateway.doubt
        for kept, one, other, relative in (
            (self.axial_mps2, gateway.impact_axial_mps2, pod.impact_axial_mps2, False),
            (self.loading, gateway.loading_mps3, pod.loading_mps3, True),
            (self.heading_rad, gateway.heading_rad, pod.heading_rad, False),
        ):
            if one is None or other is None:
                self.unlike += (one is None) != (other is None)
            else:
                kept.append((other - one) / (one if relative else 1.0))

    def row(self, name: str) -> str:
        """One line of the table."""
        events = np.array(self.event_s) * 1e3
        largest = float(events.max()) if len(events) else 0.0
        p99 = float(np.quantile(events, 0.99)) if len(events) else 0.0
        return (
            f"{name:<44} {self.strides:>6} {self.missing:>5} {self.extra:>5} {100 * self.share:>8.3f}"
            f" {p99:>8.4f} {largest:>8.3f} {self.doubts:>6} {self.unlike:>6}"
        )

    def measures(self) -> str:
        """The largest and the 99th percentile of the differences of what is measured beside times."""
        parts = (
            ("axial impact, m/s2", self.axial_mps2),
            ("loading rate, relative", self.loading),
            ("heading, rad", self.heading_rad),
            ("error SD of stance, s", self.sd_s),
        )
        lines: list[str] = []
        for name, values in parts:
            sizes = np.abs(values) if values else np.zeros(1)
            lines.append(f"  {name:<24} 99 %: {np.quantile(sizes, 0.99):.2g}, largest {sizes.max():.2g}")
        return "\n".join(lines)


def compare(program: Path, signals: Iterable[Signal], whole: Agreement, *, rows: bool = False) -> None:
    """Run both on every signal; differences go into `whole`."""
    for signal in signals:
        gateway, pod = on_gateway(signal), on_pod(program, signal)
        whole.add(gateway, pod)
        if rows:
            own = Agreement()
            own.add(gateway, pod)
            print(own.row(signal.name), flush=True)  # noqa: T201 - the table is what the command is for


def trials(folder: Path, every: int) -> list[Path]:
    """Every so-many-th trial of a folder, by name."""
    return sorted(folder.glob("*.npz"))[::every]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--brief", action="store_true", help="totals only")
    chosen = parser.parse_args(arguments)
    header = ("signal", "strides", "miss", "extra", "<=2ms %", "p99 ms", "max ms", "doubts", "unlike")
    print("{:<44} {:>6} {:>4} {:>5} {:>8} {:>8} {:>8} {:>6} {:>6}".format(*header))  # noqa: T201
    rbds, runs = Agreement(), Agreement()
    for path in trials(chosen.data, chosen.every):
        compare(chosen.program, trial_signals(path, SEED), rbds, rows=not chosen.brief)
    compare(chosen.program, simulated(), runs, rows=not chosen.brief)
    for name, agreement in (("RBDS, all signals", rbds), ("simulator, all signals", runs)):
        print(agreement.row(name), agreement.measures(), sep="\n")  # noqa: T201
    return 0 if min(rbds.share, runs.share) >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
