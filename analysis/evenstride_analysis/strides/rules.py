"""The versioned table of constants behind the method `rules-1` (package data, written by tools/derive_rules.py)."""

import json
from dataclasses import dataclass
from importlib import resources

from evenstride_analysis.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the rules need to know that is not in the signal.

    `ic_offset_s` and `tc_offset_s` are the mean errors of the raw rules against the reference and are subtracted.
    `stance_sd_s` and `si_error_sd` are out-of-fold errors (runner left out): per stride, and of a run's symmetry index.
    Offsets belong to sensor, filter and synchronisation: another hardware version needs its own table.
    """

    method: str
    ic_offset_s: float
    tc_offset_s: float
    stance_sd_s: float
    si_error_sd: float
    source: str

    def __post_init__(self) -> None:
        if not (abs(self.ic_offset_s) < 0.1 and abs(self.tc_offset_s) < 0.1):
            raise InputError(f"{self.method}: offsets of 100 ms or more are no offsets")
        if not (0.0 < self.stance_sd_s < 1.0 and 0.0 < self.si_error_sd < 1.0):
            raise InputError(f"{self.method}: stance_sd_s and si_error_sd must lie between 0 and 1")


UNCALIBRATED = Rules(
    method="rules-1-uncalibrated",
    ic_offset_s=0.0,
    tc_offset_s=0.0,
    stance_sd_s=0.016,
    si_error_sd=0.03,
    source="the rules as they stand, no constant subtracted",
)


def load_rules(text: str) -> Rules:
    """A table of constants from its JSON text. Raises InputError that names what is wrong."""
    try:
        table = json.loads(text)
        return Rules(
            method=str(table["method"]),
            ic_offset_s=float(table["ic_offset_s"]),
            tc_offset_s=float(table["tc_offset_s"]),
            stance_sd_s=float(table["stance_sd_s"]),
            si_error_sd=float(table["si_error_sd"]),
            source=str(table["source"]),
        )
    except json.JSONDecodeError as error:
        raise InputError(f"table of rules: not JSON ({error})") from error
    except (KeyError, TypeError) as error:
        raise InputError(f"table of rules: key {error} is missing or of the wrong type") from error


DEFAULT_RULES = load_rules((resources.files("evenstride_analysis.strides") / "rules_1.json").read_text("utf-8"))
