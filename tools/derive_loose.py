"""Teach the rule for loose pods on the RBDS recordings, say what it finds, and write its table into the package.

python tools/derive_loose.py    reads ../shared/data/rbds, or EVENSTRIDE_DATA/rbds; the same data give the same bytes

All figures are of runners that neither the weights nor the constant have seen: six folds of three runners, inside
each of them the constant comes from five folds of the others.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from evenstride_analysis.accuracy import Leg, Trial, detect
from evenstride_analysis.model import FloatArray, Gait
from evenstride_analysis.simulate.wearing import LooseStrap
from evenstride_analysis.strides import loose
from evenstride_analysis.study.distort import Condition, distorted
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2
from evenstride_gateway.tables.trials import read_trials

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "analysis" / "evenstride_analysis" / "strides" / "loose_1.json"
SOURCE = (
    "Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298 (CC BY 4.0), virtual shank sensors of 18 treadmill runners at"
    " 2.5/3.5/4.5 m/s, straps planted by evenstride_analysis.simulate.wearing"
)
FALSE_ALARMS = 0.002
RIDGE = 33.0  # against the sum of the examples' losses, standardised inputs
LOOSE = [(10, 0.2), (12, 0.1), (12, 0.15), (12, 0.2), (15, 0.1), (15, 0.2), (20, 0.1), (20, 0.2), (25, 0.2)]
SHOWN = [(hz, damping) for hz in (10, 12, 15, 20, 25, 30) for damping in (0.1, 0.15, 0.2, 0.3)]
TIGHT = [(50, 0.2), (40, 0.3)]
CHANGED = [
    Condition(
        group="loose",
        name="noise",
        accel_noise_mps2=0.02 * STANDARD_GRAVITY_MPS2,
        gyro_noise_radps=float(np.radians(1.0)),
    ),
    Condition(group="loose", name="15° about x", turn_deg=(15.0, 0.0, 0.0)),
    Condition(group="loose", name="20° about y", turn_deg=(0.0, 20.0, 0.0)),
    Condition(group="loose", name="-15° about z", turn_deg=(0.0, 0.0, -15.0)),
]
_UP = 4
_EACH = {"plain": None, "quiet": 1200, "loose": 800}  # examples that teach, of each condition
_REFUSED = 0.25  # of a leg's strides: the summary gives no verdict (summary/doubting.py)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """One condition: inputs (n, 8), whose stride each is, and how far its stance is from the reference."""

    inputs: FloatArray
    runner: np.ndarray[tuple[int], np.dtype[np.str_]]
    leg: np.ndarray[tuple[int], np.dtype[np.str_]]
    error_s: FloatArray


def wobbling(leg: Leg, hz: float, damping: float) -> Leg:
    """The leg with its pod on a spring."""
    kernel = LooseStrap(hertz=hz, damping=damping).kernel(leg.rate_hz * _UP)

    def moved(values: FloatArray) -> FloatArray:
        n = len(values)
        fine = CubicSpline(np.arange(n), values)(np.arange((n - 1) * _UP + 1) / _UP)
        padded = np.vstack([np.repeat(fine[:1], len(kernel) - 1, axis=0), fine])
        return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=1)[::_UP]

    return replace(leg, accel_mps2=moved(leg.accel_mps2), gyro_radps=moved(leg.gyro_radps))


def seen(trials: Sequence[Trial], change: tuple[float, float] | Condition | None) -> Seen:
    """All running strides of the trials under one change."""
    inputs: list[FloatArray] = []
    runners: list[str] = []
    legs: list[str] = []
    errors: list[float] = []
    for trial in trials:
        for side, held in trial.legs.items():
            match change:
                case None:
                    leg = held
                case Condition():
                    leg = distorted(held, change, seed=1)
                case (hz, damping):
                    leg = wobbling(held, hz, damping)
            window = np.ascontiguousarray(np.hstack([leg.accel_mps2, leg.gyro_radps]).T)
            waves = loose.waves(leg.rate_hz)
            for stride in detect(leg):
                first = loose.first_sample(stride.strike_s * leg.rate_hz, leg.rate_hz)
                k = int(np.argmin(np.abs(held.ic_s - stride.strike_s)))
                later = held.tc_s[held.tc_s > held.ic_s[k]]
                if stride.gait is not Gait.RUN or abs(held.ic_s[k] - stride.strike_s) > 0.15 or not len(later):
                    continue
                if first + len(waves) > window.shape[1]:
                    continue
                inputs.append(loose.log_powers(window[:, first : first + len(waves)], waves))
                runners.append(trial.runner)
                legs.append(f"{trial.name} {side.value}")
                errors.append(stride.stance_s - float(later[0] - held.ic_s[k]))
    return Seen(
        inputs=np.array(inputs), runner=np.array(runners), leg=np.array(legs), error_s=np.array(errors, dtype=float)
    )


def weights_of(inputs: FloatArray, is_loose: FloatArray) -> FloatArray:
    """(9,) ridge logistic regression by Newton's method, the constant last."""
    mean, sd = inputs.mean(axis=0), inputs.std(axis=0)
    columns = np.column_stack([(inputs - mean) / sd, np.ones(len(inputs))])
    ridge = np.diag([RIDGE] * inputs.shape[1] + [0.0])
    found = np.zeros(columns.shape[1])
    for _ in range(25):
        odds = 1.0 / (1.0 + np.exp(-columns @ found))
        slope = columns.T @ (odds - is_loose) + ridge @ found
        bend = (columns * (odds * (1 - odds))[:, np.newaxis]).T @ columns + ridge
        found = found - np.linalg.solve(bend, slope)
    return np.append(found[:-1] / sd, found[-1] - float((found[:-1] * mean / sd).sum()))


class Lesson:
    """What there is to learn from, and the rule that some runners teach."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.plain = seen(trials, None)
        tight = {f"strap of {hz} Hz, damping {damping}": seen(trials, (hz, damping)) for hz, damping in TIGHT}
        self.quiet = tight | {change.name: seen(trials, change) for change in CHANGED}
        self.loose = {change: seen(trials, change) for change in SHOWN}
        self.runners = sorted(set(self.plain.runner.tolist()))

    def taught(self, runners: Sequence[str]) -> FloatArray:
        rng = np.random.default_rng(0)
        groups = [("plain", [self.plain]), ("quiet", list(self.quiet.values()))]
        groups.append(("loose", [self.loose[change] for change in LOOSE]))
        inputs: list[FloatArray] = []
        answers: list[FloatArray] = []
        for name, all_seen in groups:
            for one in all_seen:
                rows = np.flatnonzero(np.isin(one.runner, runners))
                if (limit := _EACH[name]) is not None:
                    rows = rng.choice(rows, min(limit, len(rows)), replace=False)
                inputs.append(one.inputs[rows])
                answers.append(np.full(len(rows), float(name == "loose")))
        return weights_of(np.vstack(inputs), np.concatenate(answers))

    def rule(self, runners: Sequence[str], folds: int) -> FloatArray:
        """Weights of all these runners; the constant leaves 0.2 % false alarms on those left out among them."""
        scores = [
            score(self.taught([r for r in runners if r not in out]), self.plain.inputs[np.isin(self.plain.runner, out)])
            for out in (runners[k::folds] for k in range(folds))
        ]
        weights = self.taught(runners)
        weights[-1] -= float(np.quantile(np.concatenate(scores), 1.0 - FALSE_ALARMS))
        return weights


def score(weights: FloatArray, inputs: FloatArray) -> FloatArray:
    return inputs @ weights[:-1] + weights[-1]


def shares(flagged: FloatArray, legs: np.ndarray[tuple[int], np.dtype[np.str_]]) -> dict[str, float]:
    return {leg: float(flagged[legs == leg].mean()) for leg in sorted(set(legs.tolist()))}


def main() -> int:
    folder = Path(os.environ.get("EVENSTRIDE_DATA", ROOT.parent / "shared" / "data")) / "rbds"
    lesson = Lesson(read_trials(folder))
    outside = {
        key: np.zeros(len(one.inputs))
        for key, one in [(None, lesson.plain), *lesson.quiet.items(), *lesson.loose.items()]
    }
    of = {None: lesson.plain, **lesson.quiet, **lesson.loose}
    for k in range(6):
        out = lesson.runners[k::6]
        weights = lesson.rule([runner for runner in lesson.runners if runner not in out], 5)
        for key, one in of.items():
            rows = np.isin(one.runner, out)
            outside[key][rows] = score(weights, one.inputs[rows]) > 0.0
    held = shares(outside[None], lesson.plain.leg)
    worst = sorted(held.items(), key=lambda item: -item[1])[:3]
    print(f"false alarms: {outside[None].mean():.2%} of {len(outside[None])} strides;", end=" ")
    print("worst legs " + ", ".join(f"{leg} {share:.0%}" for leg, share in worst), end="; ")
    print(f"legs without a verdict: {sum(share > _REFUSED for share in held.values())} of {len(held)}")
    for key in lesson.quiet:
        print(f"not loose, {key}: {outside[key].mean():.2%}")
    unmoved = {leg: float(lesson.plain.error_s[lesson.plain.leg == leg].mean()) for leg in held}
    print("| Hz | damping | strides found | legs without a verdict | stance of legs with one, ms: mean, SD, most |")
    print("|---|---|---|---|---|")
    for change in SHOWN:
        one, flagged = lesson.loose[change], outside[change]
        by_leg = shares(flagged, one.leg)
        refused = float(np.mean([share > _REFUSED for share in by_leg.values()]))
        missed = [
            1e3 * (float(one.error_s[(one.leg == leg) & (flagged == 0)].mean()) - unmoved[leg])
            for leg, share in by_leg.items()
            if share <= _REFUSED
        ]
        told = f"{np.mean(missed):+.1f}, {np.std(missed):.1f}, {np.max(np.abs(missed)):.1f}" if missed else "none left"
        print(f"| {change[0]:g} | {change[1]:g} | {flagged.mean():.0%} | {refused:.0%} | {told} |")
    weights = [round(float(value), 4) for value in lesson.rule(lesson.runners, 6)]
    each = len(loose.FREQUENCIES_HZ)
    table = {
        "source": SOURCE,
        "weights": [weights[k : k + each] for k in range(0, len(weights) - 1, each)],
        "constant": weights[-1],
    }
    TABLE.write_text(json.dumps(table, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
