"""How far the method is from a force reference: scoring of runners whose constants came from the others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Doubt, FloatArray, SampleBlock, Side, Stride
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.strides.estimator import Estimator, RulesEstimator
from evenstride_analysis.strides.rules import DEFAULT_RULES, UNCALIBRATED, Rules

MATCH_S = 0.250
_BLOCK = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leg:
    """One leg of a trial in shank axes; sample k lies at k / rate_hz. `ic_s`, `tc_s` (n,) are the reference stances.

    `nominal_hz` is what the sensor claims its rate to be, where that is not the truth.
    """

    rate_hz: float
    accel_mps2: FloatArray
    gyro_radps: FloatArray
    ic_s: FloatArray
    tc_s: FloatArray
    nominal_hz: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One runner at one speed. Events count with contact after `from_s` and toe-off before `to_s`."""

    runner: str
    speed_mps: float
    legs: dict[Side, Leg]
    from_s: float = 1.0
    to_s: float = 29.0

    @property
    def name(self) -> str:
        return f"{self.runner}_T{round(10 * self.speed_mps)}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LegMatch:
    """A leg's reference stances that were found, and how far off: errors (n,) of the estimator as it stands.

    `sd_s` (n,) is what each stride says of its own error; `system_sd_s` (n,) of the part common to its leg (nan
    where the method does not say).
    """

    trial: Trial
    side: Side
    ic_error_s: FloatArray
    tc_error_s: FloatArray
    stance_s: FloatArray  # reference
    clean: FloatArray  # 1 where the stride carries no doubt
    sd_s: FloatArray
    system_sd_s: FloatArray
    missed: int
    false: int

    @property
    def stance_error_s(self) -> FloatArray:
        return self.tc_error_s - self.ic_error_s


@dataclass(frozen=True, slots=True, kw_only=True)
class EventError:
    """Of the rule as it stands: mean error, SD between legs, mean SD within a leg, s; share of |error| > 60 ms."""

    bias_s: float
    between_s: float
    within_s: float
    gross: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyReport:
    """Stance against the reference. All but `raw_*` and `contact`/`toe_off` are out-of-fold (runner left out)."""

    method: str
    runners: int
    trials: int
    stances: int
    rmse_s: float
    mae_s: float
    bias_s: float
    error_sd_s: float
    bias_by_speed_s: dict[float, float]
    worst_runner_rmse_s: float
    missed: int
    false: int
    doubted: int
    clean_rmse_s: float
    si_error_sd: float
    si_correlation: float
    run_mean_icc: float
    raw_bias_s: float
    raw_rmse_s: float
    contact: EventError
    toe_off: EventError

    @property
    def wrong_share(self) -> float:
        """(missed + false) over the reference stances."""
        return (self.missed + self.false) / self.stances


def detect(leg: Leg, *, estimator: Estimator | None = None, pod_id: str = "pod") -> list[Stride]:
    """Strides of one recorded leg through the product's detector; times count from its first sample."""
    nominal_hz = leg.rate_hz if leg.nominal_hz is None else leg.nominal_hz
    detector = StrideDetector(pod_id=pod_id, rate_hz=nominal_hz, estimator=estimator)
    strides: list[Stride] = []
    for start in range(0, len(leg.accel_mps2), _BLOCK):
        accel = leg.accel_mps2[start : start + _BLOCK]
        index = np.arange(start, start + len(accel))
        strides += detector.push(
            SampleBlock(
                pod_id=pod_id,
                boot_id=1,
                first_index=start,
                stamp_index=index,
                stamp_s=index / leg.rate_hz,
                accel_mps2=accel,
                gyro_radps=leg.gyro_radps[start : start + _BLOCK],
            )
        )
    return strides + detector.flush()


def match_leg(trial: Trial, side: Side, estimator: Estimator | None = None) -> LegMatch:
    """Detect (rules without constants by default) and match each reference stance to the nearest contact in 250 ms.

    False: a stride inside the scored span to which no reference stance (counted or not) is nearest.
    """
    leg = trial.legs[side]
    strides = detect(leg, estimator=estimator or RulesEstimator(UNCALIBRATED))
    found_ic = np.array([stride.strike_s for stride in strides])
    found_tc = np.array([stride.toe_off_s for stride in strides])
    claimed = {
        int(np.argmin(np.abs(found_ic - ic)))
        for ic in leg.ic_s
        if len(found_ic) and float(np.min(np.abs(found_ic - ic))) <= MATCH_S
    }
    inside = (found_ic > trial.from_s) & (found_tc < trial.to_s)
    false = sum(bool(inside[k]) and k not in claimed for k in range(len(strides)))
    scored = np.flatnonzero((leg.ic_s > trial.from_s) & (leg.tc_s < trial.to_s))
    pairs: list[tuple[int, int]] = []
    for k in scored.tolist():
        distance = np.abs(found_ic - leg.ic_s[k])
        if len(distance) and float(distance.min()) <= MATCH_S:
            pairs.append((k, int(np.argmin(distance))))
    reference, found = ([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    return LegMatch(
        trial=trial,
        side=side,
        ic_error_s=found_ic[found] - leg.ic_s[reference],
        tc_error_s=found_tc[found] - leg.tc_s[reference],
        stance_s=leg.tc_s[reference] - leg.ic_s[reference],
        clean=np.array([1.0 if strides[k].doubt == Doubt(0) else 0.0 for k in found]),
        sd_s=np.array([strides[k].stance_sd_s for k in found]),
        system_sd_s=np.array([_or_nan(strides[k].stance_system_sd_s) for k in found]),
        missed=len(scored) - len(pairs),
        false=false,
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def match_trials(trials: Sequence[Trial], estimator: Estimator | None = None) -> list[LegMatch]:
    """Every leg of every trial. Raises InputError without trials."""
    if not trials:
        raise InputError("accuracy needs at least one trial")
    return [match_leg(trial, side, estimator) for trial in trials for side in Side]


def fit_constants(matches: Sequence[LegMatch]) -> Rules:
    """Mean errors of contact and toe-off, every runner with equal weight. The SDs are those of UNCALIBRATED."""
    runners = sorted({match.trial.runner for match in matches})

    def offset(errors: list[tuple[str, FloatArray]]) -> float:
        per_runner = [np.concatenate([e for who, e in errors if who == runner]) for runner in runners]
        return math.fsum(float(e.mean()) for e in per_runner if len(e)) / sum(len(e) > 0 for e in per_runner)

    return replace(
        UNCALIBRATED,
        ic_offset_s=offset([(match.trial.runner, match.ic_error_s) for match in matches]),
        tc_offset_s=offset([(match.trial.runner, match.tc_error_s) for match in matches]),
    )


def leave_one_out(matches: Sequence[LegMatch]) -> list[FloatArray]:
    """Stance errors (n,) of each match, s, with constants from the other runners. Raises InputError for one runner."""
    runners = {match.trial.runner for match in matches}
    if len(runners) < 2:
        raise InputError("out-of-fold accuracy needs two runners or more")
    constants: dict[str, float] = {}
    for runner in runners:
        rules = fit_constants([match for match in matches if match.trial.runner != runner])
        constants[runner] = rules.tc_offset_s - rules.ic_offset_s
    return [match.stance_error_s - constants[match.trial.runner] for match in matches]


def score(matches: Sequence[LegMatch], *, method: str = DEFAULT_RULES.method) -> AccuracyReport:
    """Everything `evenstride accuracy` states, from the matches of all trials."""
    errors = leave_one_out(matches)
    every = np.concatenate(errors)
    raw = np.concatenate([match.stance_error_s for match in matches])
    clean = np.concatenate([match.clean for match in matches]) > 0.5
    by_speed: dict[float, list[FloatArray]] = {}
    by_runner: dict[str, list[FloatArray]] = {}
    for match, error in zip(matches, errors, strict=True):
        by_speed.setdefault(match.trial.speed_mps, []).append(error)
        by_runner.setdefault(match.trial.runner, []).append(error)
    indices = _indices(matches, errors)
    true_mean = np.array([float(m.stance_s.mean()) for m in matches])
    found_mean = np.array([float((m.stance_s + e).mean()) for m, e in zip(matches, errors, strict=True)])
    return AccuracyReport(
        method=method,
        runners=len(by_runner),
        trials=len(indices),
        stances=sum(len(match.stance_s) + match.missed for match in matches),
        rmse_s=_rms(every),
        mae_s=float(np.abs(every).mean()),
        bias_s=float(every.mean()),
        error_sd_s=float(every.std(ddof=1)),
        bias_by_speed_s={speed: float(np.concatenate(e).mean()) for speed, e in sorted(by_speed.items())},
        worst_runner_rmse_s=max(_rms(np.concatenate(e)) for e in by_runner.values()),
        missed=sum(match.missed for match in matches),
        false=sum(match.false for match in matches),
        doubted=int(np.count_nonzero(~clean)),
        clean_rmse_s=_rms(every[clean]),
        si_error_sd=float((indices[:, 1] - indices[:, 0]).std(ddof=1)),
        si_correlation=float(np.corrcoef(indices[:, 0], indices[:, 1])[0, 1]),
        run_mean_icc=icc_2_1(np.stack([true_mean, found_mean], axis=1)),
        raw_bias_s=float(raw.mean()),
        raw_rmse_s=_rms(raw),
        contact=_event([match.ic_error_s for match in matches]),
        toe_off=_event([match.tc_error_s for match in matches]),
    )


def _indices(matches: Sequence[LegMatch], errors: Sequence[FloatArray]) -> FloatArray:
    """(trials, 2): the run's symmetry index by the reference and as found."""
    means: dict[int, dict[Side, tuple[float, float]]] = {}
    for match, error in zip(matches, errors, strict=True):
        both = (float(match.stance_s.mean()), float((match.stance_s + error).mean()))
        means.setdefault(id(match.trial), {})[match.side] = both
    rows = [
        [
            (legs[Side.LEFT][k] - legs[Side.RIGHT][k]) / (0.5 * (legs[Side.LEFT][k] + legs[Side.RIGHT][k]))
            for k in (0, 1)
        ]
        for legs in means.values()
    ]
    return np.array(rows)


def icc_2_1(values: FloatArray) -> float:
    """Intraclass correlation ICC(2,1), absolute agreement, of (n, k): n subjects, k methods (Shrout & Fleiss 1979)."""
    n, k = values.shape
    grand = float(values.mean())
    rows, columns = values.mean(axis=1), values.mean(axis=0)
    between = k * float(((rows - grand) ** 2).sum()) / (n - 1)
    methods = n * float(((columns - grand) ** 2).sum()) / (k - 1)
    rest = values - rows[:, np.newaxis] - columns[np.newaxis, :] + grand
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    return (between - error) / (between + (k - 1) * error + k * (methods - error) / n)


def _rms(errors: FloatArray) -> float:
    return math.sqrt(float((errors * errors).mean()))


def _event(errors: Sequence[FloatArray]) -> EventError:
    means = np.array([float(e.mean()) for e in errors])
    return EventError(
        bias_s=float(means.mean()),
        between_s=float(means.std(ddof=1)),
        within_s=float(np.mean([float(e.std(ddof=1)) for e in errors])),
        gross=float(np.mean(np.abs(np.concatenate(errors)) > 0.060)),
    )


def derive_rules(trials: Sequence[Trial], *, source: str, method: str = "rules-1") -> Rules:
    """The product's table: constants from all runners, errors from the runners left out."""
    matches = match_trials(trials)
    report = score(matches, method=method)
    return replace(
        fit_constants(matches),
        method=method,
        stance_sd_s=report.error_sd_s,
        si_error_sd=report.si_error_sd,
        source=source,
    )
