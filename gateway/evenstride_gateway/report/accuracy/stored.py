"""docs/accuracy.json: the figures of a study, written and read back."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from evenstride_analysis.study.result import Study
from evenstride_gateway.errors import InputError

_DIGITS = 7
_STUDY = TypeAdapter(Study)


def plain(study: Study) -> Any:
    """The figures as JSON knows them, rounded to a tenth of a microsecond."""
    return _rounded(_STUDY.dump_python(study, mode="json"))


def dump_study(study: Study) -> str:
    return json.dumps(plain(study), indent=1, ensure_ascii=False) + "\n"


def settled(study: Study) -> Study:
    """The study as it will be read back: page and pictures say what the stored figures say, to the last digit."""
    return _STUDY.validate_json(dump_study(study))


def load_study(path: Path) -> Study:
    """Raises InputError where the file is missing or is not what `dump_study` writes."""
    try:
        return _STUDY.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: not the figures of a study: {error}") from error


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, list):
        return [_rounded(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
