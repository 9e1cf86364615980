"""From evidence to a verdict, or to the reason why there is none; one primary verdict, others judged more strictly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evenstride_analysis.model import Measure, Side, Step, Symmetry, Verdict
from evenstride_analysis.symmetry.gathered import PairCounts, StepCounts
from evenstride_analysis.symmetry.interval import SEED, Evidence, evidence_of
from evenstride_analysis.symmetry.pairs import pairs_of, value_of
from evenstride_analysis.symmetry.system import WIDEST_LEG_S, SystematicError

MIN_PAIRS = 20  # fewer strides a leg tell about a moment, not about a runner
REAL, SHOWN, POSSIBLE = 0.99, 0.95, 0.80
_CLIPPED_SHARE = 0.05  # of a leg's running strides: from here on a peak's mean is a lower bound, not a mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One symmetry to be judged: these steps (in order of strike), this measure, dated `t_s`."""

    steps: Sequence[Step]
    measure: Measure
    t_s: float


def symmetry(
    steps: Sequence[Step], measure: Measure, *, t_s: float, system: SystematicError, seed: int = SEED
) -> Symmetry:
    """Symmetry of all `steps` (any number, in order of strike), dated `t_s`, judged by itself."""
    return answer(Question(steps=steps, measure=measure, t_s=t_s), system=system, seed=seed)[0]


def judge_family(questions: Sequence[Question], *, system: SystematicError, seed: int = SEED) -> list[Symmetry]:
    """The answers of one report: the first question is its primary verdict and is judged by itself.

    The others are many chances to be wrong at once: their p are adjusted (Holm 1979) among themselves, so that at most
    1 % of reports on even runners call any of them real. Their intervals stay as they are (95 % each).
    """
    answers = [answer(question, system=system, seed=seed) for question in questions]
    found = [symmetry for symmetry, _ in answers]
    others = [(k, evidence) for k, (_, evidence) in enumerate(answers) if k > 0 and evidence is not None]
    if len(others) < 2:  # one other verdict is not a family
        return found
    adjusted = holm([evidence.p_even() for _, evidence in others])
    for (k, evidence), p in zip(others, adjusted, strict=True):
        verdict, reason = _verdict(evidence, real=p < 1.0 - REAL, possible=p < 1.0 - POSSIBLE)
        if verdict is not found[k].verdict:
            reason = f"one of {len(others)} further comparisons, judged more strictly (Holm)"
        found[k] = replace(found[k], verdict=verdict, reason=reason)
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p, in the order given: the k-th smallest of m times (m - k + 1), never below a smaller one's, at most 1.

    Source: Holm 1979, Scandinavian Journal of Statistics 6:65-70.
    """
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, p_values[k] * (len(order) - rank)))
        adjusted[k] = highest
    return adjusted


def answer(question: Question, *, system: SystematicError, seed: int = SEED) -> tuple[Symmetry, Evidence | None]:
    """The symmetry, and the evidence behind it unless it was refused."""
    measure = question.measure
    pairs = pairs_of(question.steps, measure)
    values = [
        (left, right)
        for pair in pairs
        if (left := value_of(pair[0], measure)) is not None and (right := value_of(pair[1], measure)) is not None
    ]
    return judge(
        StepCounts.of(question.steps),
        PairCounts.of(pairs),
        len(values),
        lambda u: evidence_of(np.array(values), system=u, seed=seed),
        measure,
        t_s=question.t_s,
        system=system,
    )


def judge(
    steps: StepCounts,
    pairs: PairCounts,
    n_values: int,
    evidence: Callable[[float], Evidence],
    measure: Measure,
    *,
    t_s: float,
    system: SystematicError,
) -> tuple[Symmetry, Evidence | None]:
    """`evidence` is asked, with the SD of the system error, only when nothing stands against a verdict."""
    method = "|".join(pairs.names)
    reason = _refusal(steps, pairs, n_values, measure)
    if reason:
        refused = Symmetry(
            measure=measure,
            t_s=t_s,
            index=None,
            low=None,
            high=None,
            n_pairs=n_values,
            verdict=Verdict.NOT_MEASURABLE,
            reason=reason,
            method=method,
        )
        return refused, None
    found = evidence(system.total(measure, method, leg_sd_s=pairs.leg_sd_s))
    verdict, reason = _verdict(found, real=found.excludes_even(REAL), possible=found.excludes_even(POSSIBLE))
    half = found.half(SHOWN)
    judged = Symmetry(
        measure=measure,
        t_s=t_s,
        index=found.index,
        low=found.index - half,
        high=found.index + half,
        n_pairs=found.n_pairs,
        verdict=verdict,
        reason=reason,
        method=method,
    )
    return judged, found


def _verdict(evidence: Evidence, *, real: bool, possible: bool) -> tuple[Verdict, str]:
    if real:
        return Verdict.REAL, "the 99 % interval excludes even"
    if possible:
        return Verdict.POSSIBLE, "the 80 % interval excludes even, the 99 % one does not"
    limit = "system error" if evidence.system > evidence.scatter.error else "number of strides"
    return Verdict.WITHIN_NOISE, f"limited by the {limit}"


def _refusal(steps: StepCounts, pairs: PairCounts, n_values: int, measure: Measure) -> str:
    """Why there is no verdict, in plain words; empty when there can be one."""
    if len(pairs.names) > 1:
        return f"mixed methods: {', '.join(pairs.names)}"
    if measure is not Measure.STANCE and (clipped := _why_clipped(steps)):
        return clipped
    if pairs.n and not n_values:
        return "not measured: impact needs 199 Hz or more and no gap"
    if n_values < MIN_PAIRS:
        return _why_few(steps, n_values)
    if measure is Measure.STANCE and (side := pairs.unsure_side) is not None:
        return (
            f"unusual style: contact times of the {side} leg may be wrong by more than {WIDEST_LEG_S * 1e3:.0f} ms,"
            " too much to compare the legs"
        )
    return ""


def _why_clipped(steps: StepCounts) -> str:
    for side in Side:
        clipped, running = steps.clipped[side], steps.running[side]
        if clipped > _CLIPPED_SHARE * running:
            return f"clipped: {clipped} of {running} {side} strides reach the sensor's range"
    return ""


def _why_few(steps: StepCounts, n_values: int) -> str:
    running = steps.running.total()
    if steps.n and running <= steps.n // 2:
        return f"walking: {steps.n - running} of {steps.n} strides; symmetry is judged in running"
    if (side := steps.only_side) is not None:
        return f"one leg only: {side}"
    return f"too few strides: {n_values} clean pairs, {MIN_PAIRS} are needed"
