"""A summary in plain words: am I uneven, is it real, what now, when again. Every figure is the summary's."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto

from evenstride_analysis.conversions import RULE, sees_well
from evenstride_analysis.model import Measure, Side, Summary, Symmetry, Verdict
from evenstride_analysis.symmetry import MIN_PAIRS
from evenstride_analysis.units import balance_percent, percent_from_fraction

RULE_PERCENT = RULE.limits[0]  # the running guides' line: no more than this share of contact time on one leg


class Cause(StrEnum):
    """Why a verdict is refused, as far as it changes what to do next."""

    SHORT = auto()
    CLIPPED = auto()
    WALKING = auto()
    ONE_LEG = auto()
    GAPS = auto()
    SLOW_POD = auto()
    METHODS = auto()
    BEND = auto()
    LOOSE = auto()
    STYLE = auto()
    DOUBTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One measure's answers. `badge` is the verdict's word; `uneven` and `real` answer the two questions."""

    measure: Measure
    title: str
    verdict: Verdict
    badge: str
    uneven: str
    real: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPage:
    """What a reader must take away. `tone` colours the banner: real, possible, even or unknown."""

    headline: str
    subline: str
    tone: str
    findings: tuple[Finding, ...]
    now: tuple[str, ...]
    again: str
    rule: str


_TITLE = {
    Measure.STANCE: "Time on the ground",
    Measure.IMPACT: "Impact, all directions",
    Measure.IMPACT_AXIAL: "Impact along the shin",
}
_BADGE = {
    Verdict.REAL: "real",
    Verdict.POSSIBLE: "possible",
    Verdict.WITHIN_NOISE: "within noise",
    Verdict.NOT_MEASURABLE: "not measurable",
}


def front_page(summary: Summary, *, accel_range_g: float | None = None) -> FrontPage:
    """The words of the first page. `accel_range_g` is the pods' range where it is known."""
    stance, impact = summary.symmetry[Measure.STANCE], summary.symmetry[Measure.IMPACT]
    findings = tuple(_finding(symmetry, summary, accel_range_g) for symmetry in (stance, impact))
    headline, subline, tone = _headline(stance, impact, summary)
    return FrontPage(
        headline=headline,
        subline=subline,
        tone=tone,
        findings=findings,
        now=_now(stance, impact, summary, accel_range_g),
        again=_again(stance, impact),
        rule=_rule(stance),
    )


def larger_side(symmetry: Symmetry) -> Side:
    return Side.LEFT if (symmetry.index or 0.0) > 0 else Side.RIGHT


def share(symmetry: Symmetry) -> tuple[float, float, float]:
    """(share, low, high) in percent of the leg with the larger value. The symmetry must have an index."""
    assert symmetry.index is not None
    assert symmetry.low is not None
    assert symmetry.high is not None
    sign = 1.0 if larger_side(symmetry) is Side.LEFT else -1.0
    ends = sorted((balance_percent(sign * symmetry.low), balance_percent(sign * symmetry.high)))
    return balance_percent(sign * symmetry.index), ends[0], ends[1]


def cause_of(symmetry: Symmetry, summary: Summary) -> Cause:
    """What stood in the way: the reason's own word, or what excluded more strides than were left."""
    for word, cause in (
        ("mixed methods", Cause.METHODS),
        ("clipped", Cause.CLIPPED),
        ("walking", Cause.WALKING),
        ("one leg", Cause.ONE_LEG),
        ("not measured", Cause.SLOW_POD),
        ("bend", Cause.BEND),
        ("loose", Cause.LOOSE),
        ("doubted", Cause.DOUBTED),
        ("unusual style", Cause.STYLE),
    ):
        if symmetry.reason.startswith(word):
            return cause
    used = sum(leg.n_used for leg in summary.legs.values())
    worst = max(summary.excluded, key=lambda name: summary.excluded[name], default="")
    if summary.excluded.get(worst, 0) <= used:
        return Cause.SHORT
    return {"clipped": Cause.CLIPPED, "walking": Cause.WALKING, "gap": Cause.GAPS, "edge": Cause.SHORT}.get(
        worst, Cause.DOUBTED
    )


def _finding(symmetry: Symmetry, summary: Summary, accel_range_g: float | None) -> Finding:
    uneven, real = _answers(symmetry, summary, accel_range_g)
    return Finding(
        measure=symmetry.measure,
        title=_TITLE[symmetry.measure],
        verdict=symmetry.verdict,
        badge=_BADGE[symmetry.verdict],
        uneven=uneven,
        real=real,
    )


def _answers(symmetry: Symmetry, summary: Summary, accel_range_g: float | None) -> tuple[str, str]:
    if symmetry.verdict is Verdict.NOT_MEASURABLE:
        return "This run cannot tell.", _WHY[cause_of(symmetry, summary)](summary, symmetry, accel_range_g)
    side, (value, low, high) = larger_side(symmetry), share(symmetry)
    more = "longer" if symmetry.measure is Measure.STANCE else "harder"
    figures = f"{value:.1f} % on the {side.value}"
    interval = f"With its error the share lies between {low:.1f} and {high:.1f} %"
    if symmetry.verdict is Verdict.REAL:
        return f"Yes: {more} on the {side.value}, {figures}.", f"Yes. {interval}; even (50 %) is clearly outside."
    if symmetry.verdict is Verdict.POSSIBLE:
        return (
            f"Perhaps: {more} on the {side.value}, {figures}.",
            f"Not certain. {interval}; too close to 50 % to be sure.",
        )
    unseen = (
        ""
        if sees_well(symmetry.low, symmetry.high)
        else f" Less than {(high - low) / 2:.1f} points cannot be seen here."
    )
    return (
        f"No difference found: {figures}.",
        f"The small difference is within measurement noise. {interval}, so even (50 %) fits.{unseen}",
    )


Why = Callable[[Summary, Symmetry, float | None], str]


def _why_clipped(summary: Summary, symmetry: Symmetry, accel_range_g: float | None) -> str:
    del symmetry
    clipped = sum(leg.n_clipped for leg in summary.legs.values())
    strides = sum(leg.n_strides for leg in summary.legs.values())
    limit = "the sensor's range" if accel_range_g is None else f"the sensor's range of ±{accel_range_g:.0f} g"
    return f"No verdict: {clipped} of {strides} strides were clipped, their shocks go beyond {limit}."


def _why_short(summary: Summary, symmetry: Symmetry, accel_range_g: float | None) -> str:
    del accel_range_g
    return (
        f"No verdict: {summary.duration_s:.0f} s were recorded, with {symmetry.n_pairs} usable left-right pairs of "
        f"strides; at least {MIN_PAIRS} are needed."
    )


def _why_bend(summary: Summary, symmetry: Symmetry, accel_range_g: float | None) -> str:
    del symmetry, accel_range_g
    bends, straight = summary.excluded.get("bend", 0), sum(leg.n_used for leg in summary.legs.values())
    return (
        f"No verdict: this was run in bends ({bends} strides; {straight} on straights). There the inner and the outer"
        " leg do different work, so a difference would say nothing about yours."
    )


def _why_loose(summary: Summary, symmetry: Symmetry, accel_range_g: float | None) -> str:
    del accel_range_g
    side = next((share.side.value for share in summary.doubts if share.worst == "loose"), "")
    share = symmetry.reason.removeprefix("loose: ").partition(" of ")[0]
    return f"No verdict: the {side} pod moved on the leg in {share} of its strides. What it says cannot be trusted."


def _why_from(text: str) -> Why:
    return lambda _summary, symmetry, _range: f"No verdict: {text.format(reason=symmetry.reason)}"


_WHY: dict[Cause, Why] = {
    Cause.SHORT: _why_short,
    Cause.CLIPPED: _why_clipped,
    Cause.WALKING: _why_from("most of this was walking; the legs are compared in running."),
    Cause.ONE_LEG: _why_from("only one leg was recorded."),
    Cause.GAPS: _why_from("too many strides have missing samples."),
    Cause.SLOW_POD: _why_from("impact needs a sensor rate of 199 Hz or more, without gaps."),
    Cause.METHODS: _why_from("{reason}; different methods cannot be compared."),
    Cause.DOUBTED: _why_from("too many strides are doubted (see Data quality)."),
    Cause.BEND: _why_bend,
    Cause.LOOSE: _why_loose,
    Cause.STYLE: _why_from("{reason}."),
}


def _headline(stance: Symmetry, impact: Symmetry, summary: Summary) -> tuple[str, str, str]:
    said = {
        (Verdict.REAL, Measure.STANCE): "Uneven: your {} foot stays on the ground longer.",
        (Verdict.REAL, Measure.IMPACT): "Uneven: your {} leg takes harder impacts.",
        (Verdict.POSSIBLE, Measure.STANCE): "Perhaps uneven: your {} foot may stay on the ground longer.",
        (Verdict.POSSIBLE, Measure.IMPACT): "Perhaps uneven: your {} leg may take harder impacts.",
    }
    for (verdict, measure), headline in said.items():
        found = stance if measure is Measure.STANCE else impact
        if found.verdict is verdict:
            beside = _beside(impact) if found is stance else ""
            return headline.format(larger_side(found).value), beside, verdict.value
    if stance.verdict is Verdict.WITHIN_NOISE:
        judged = impact.verdict is not Verdict.NOT_MEASURABLE
        if not sees_well(stance.low, stance.high):
            found = "No unevenness found in the time on the ground, but only a large one could be seen."
            return found, _beside(impact) if judged else _UNJUDGED[cause_of(impact, summary)], "partly"
        if judged and sees_well(impact.low, impact.high):
            return "No unevenness found.", _beside(impact), "even"
        why = _beside(impact) if judged else _UNJUDGED[cause_of(impact, summary)]
        return "No unevenness found in the time on the ground.", why, "even" if judged else "partly"
    why = {
        Cause.SHORT: "the run was too short.",
        Cause.CLIPPED: "the impacts were too hard for these sensors.",
        Cause.WALKING: "this was mostly walking.",
        Cause.ONE_LEG: "only one leg was recorded.",
        Cause.GAPS: "too many samples are missing.",
        Cause.BEND: "this was run in bends.",
        Cause.LOOSE: "a pod sat loose on the leg.",
        Cause.STYLE: "your style is unlike those the method was trained on.",
    }.get(cause_of(stance, summary), "the data do not allow one.")
    return f"No verdict: {why}", "This says nothing about your legs, neither even nor uneven.", "unknown"


_UNJUDGED = dict.fromkeys(Cause, "Impact could not be judged in this run.") | {
    Cause.CLIPPED: "Impact could not be judged: the shocks were too hard for these sensors.",
    Cause.SLOW_POD: "Impact could not be judged: these sensors are too slow for it.",
}


def _beside(impact: Symmetry) -> str:
    if impact.verdict is Verdict.NOT_MEASURABLE:
        return "Impact could not be judged in this run."
    if impact.verdict is Verdict.WITHIN_NOISE:
        if not sees_well(impact.low, impact.high):
            return "Impacts: no difference found, but only a large one could be seen."
        return "Impacts do not differ by more than the measurement error."
    return (
        f"Impacts are {'' if impact.verdict is Verdict.REAL else 'perhaps '}harder on the {larger_side(impact).value}."
    )


_SEE = "If it hurts, or the difference persists, see a physical therapist; a coach can look at your form."
_REMEDY = {
    Cause.SHORT: "Nothing to correct. Run again, steadily and straight, for a few minutes or more.",
    Cause.CLIPPED: "Nothing to correct. Run again with pods of a wider range{beyond}, or at an easier pace.",
    Cause.WALKING: "Nothing to correct. Record a few minutes of steady running.",
    Cause.ONE_LEG: "Nothing to correct. Check the other pod: charged, worn, and assigned to its leg.",
    Cause.GAPS: "Nothing to correct. Run again with the receiver nearer; wear it or stay within sight of it.",
    Cause.SLOW_POD: "For impact, set the pods to 208 Hz or more.",
    Cause.METHODS: "Run the session's stored data again through one method, then read a new report.",
    Cause.BEND: "Nothing to correct. Run a few minutes straight ahead; on a track the straights are enough.",
    Cause.LOOSE: "Nothing to correct. Fasten the loose pod (see Data quality) above the ankle, and run again.",
    Cause.STYLE: "Nothing to correct. Compare with your own earlier runs instead: a change is seen all the same.",
    Cause.DOUBTED: "Nothing to correct. Check that both pods sit tight, logo outward, above the ankle, and run again.",
}


def _now(stance: Symmetry, impact: Symmetry, summary: Summary, accel_range_g: float | None) -> tuple[str, ...]:
    verdicts = {stance.verdict, impact.verdict}
    beyond = "" if accel_range_g is None else f" (these end at ±{accel_range_g:.0f} g)"
    if Verdict.REAL in verdicts:
        return (
            "Do not change your running on one reading: repeat it under the same conditions first.",
            "Do the same single-leg exercise on both legs (squat, bridge, step-up) and compare: a clear difference "
            "in strength or balance is worth working on, weaker side first.",
            _SEE,
        )
    if Verdict.POSSIBLE in verdicts:
        return (
            "Nothing to correct yet. Repeat the run at the same pace, on the same shoes and surface.",
            "Take care that both pods sit tight and at the same height: 5 cm can look like a difference.",
            _SEE,
        )
    steps: list[str] = []
    if stance.verdict is Verdict.WITHIN_NOISE:
        steps.append("Nothing to correct. Nobody is perfectly even; keep this page to compare with later runs.")
        if impact.verdict is Verdict.NOT_MEASURABLE:
            remedy = _REMEDY[cause_of(impact, summary)].format(beyond=beyond).removeprefix("Nothing to correct. ")
            steps.append(f"To judge impact as well: {remedy}")
    else:
        steps.append(_REMEDY[cause_of(stance, summary)].format(beyond=beyond))
    return (*steps, "If something hurts, see a physical therapist, whatever this page says.")


def _again(stance: Symmetry, impact: Symmetry) -> str:
    verdicts = {stance.verdict, impact.verdict}
    if Verdict.REAL in verdicts:
        return "Within a week: same pace, shoes and surface, and every pod on the leg where it was this time."
    if Verdict.POSSIBLE in verdicts:
        return "Within two weeks, at the same pace."
    if stance.verdict is Verdict.WITHIN_NOISE:
        later = "In four to six weeks, or after an injury, new shoes or a change in training."
        return later if impact.verdict is not Verdict.NOT_MEASURABLE else f"{later} For impact: as soon as you like."
    return "As soon as it suits you: this run does not count."


def _rule(stance: Symmetry) -> str:
    rule = f"Many running guides draw the line at {RULE_PERCENT:.0f} % of contact time on one leg. "
    if stance.index is None:
        return rule + "This run cannot be held against it."
    value, low, high = share(stance)
    half = (high - low) / 2
    beside = f"Here: {value:.1f} ± {half:.1f} % on the {larger_side(stance).value} (index "
    beside += f"{percent_from_fraction(abs(stance.index)):.1f} %): "
    if low > RULE_PERCENT:
        return f"{rule}{beside}beyond the line, error included."
    if max(high, 100.0 - low) < RULE_PERCENT:
        return f"{rule}{beside}inside the line, error included."
    return f"{rule}{beside}the guides' line lies within the error. That is about their line, not about being even."
