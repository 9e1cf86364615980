"""The words and colours of the live page (its style.css, dark theme: Grafana's own), and the units of Grafana."""

from grafana_foundation_sdk.models import units

from evenstride_analysis.model import Verdict

LEFT, RIGHT = "#66b2ff", "#ffa14a"
LEFT_SOFT, RIGHT_SOFT = "#265c94", "#8f5214"
INK, INK_2, EVEN, EVEN_SOFT = "#f1f5fa", "#a3b0c2", "#b6c2d0", "#465364"
GOOD, BAD, WARN = "#4cd28a", "#ff8a80", "#ffd27a"
COLOURS = (LEFT, RIGHT, LEFT_SOFT, RIGHT_SOFT, INK, INK_2, EVEN, EVEN_SOFT, GOOD, BAD, WARN)

VERDICT_COLOURS = {
    Verdict.REAL.value: INK,
    Verdict.POSSIBLE.value: INK,
    Verdict.WITHIN_NOISE.value: EVEN,
    Verdict.NOT_MEASURABLE.value: INK_2,
}
CHANGE_COLOURS = {"changed": INK, "not changed": EVEN, "not comparable": INK_2}
LINK_COLOURS = {"streaming": GOOD, "seen": INK_2, "connecting": WARN, "checking": WARN, "lost": BAD}

# The schema's unit -> Grafana's. A unit that is missing here fails the build.
UNITS: dict[str, str] = {
    "ms": units.Milliseconds,
    "s": units.Seconds,
    "g": "suffix:g",
    "%": units.Percent,
    "dBm": units.DecibelMilliWatt,
    "steps/min": "suffix:steps/min",
    "": units.NoUnit,
}
AGO = "dateTimeFromNow"
TEXT = units.String
