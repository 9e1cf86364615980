"""`evenstride accuracy`: the only command that may state accuracy."""

import os
from collections.abc import Collection
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from evenstride_analysis.study.assemble import LEARNED
from evenstride_analysis.study.folds import RUNNER
from evenstride_analysis.study.result import Study
from evenstride_analysis.units import ms_from_s
from evenstride_gateway.cli.common import out, print_json, progress
from evenstride_gateway.cli.inputs import changed, inputs
from evenstride_gateway.cli.kept import kept_dir
from evenstride_gateway.errors import EvenstrideError
from evenstride_gateway.tables.strides import atomic

try:
    from evenstride_gateway.cli.study import RECHECKED, measure, recompute
    from evenstride_gateway.report.accuracy.page import page as words
    from evenstride_gateway.report.accuracy.pictures import pictures
    from evenstride_gateway.report.accuracy.stored import dump_study, load_study, plain, settled
except ImportError as missing:
    raise EvenstrideError(f"accuracy needs `pip install evenstride[train,report]`: {missing}") from missing

TOLERANCE_S = 0.0003  # between machines: training adds up in another order


def accuracy(
    *,
    recordings: Path | None,
    page: Path | None,
    jobs: int | None = None,
    check: bool = False,
    fresh: bool = False,
    as_json: bool = False,
) -> None:
    """Measure the method in every kind of fold and write page, figures and pictures; or check what is written."""
    folder = recordings or Path(os.environ.get("EVENSTRIDE_DATA", "../shared/data"))
    if check:
        written = page or Path("docs/accuracy.md")
        stale = staleness(written, folder)
        if stale:
            raise EvenstrideError(f"{written} is stale: {'; '.join(stale)}")
        out.print(f"{written} is what recordings and code give")
        return
    with progress("folds and distortions", quiet=as_json) as tell:
        study = measure(folder, workers=jobs or os.cpu_count() or 1, tell=tell, keep=None if fresh else kept_dir())
    if page is not None:
        study = replace(study, variants=variants_tried(page.parent / "decisions" / "0009-learned-estimator.md"))
        written = write(study, page)
        if not as_json:
            out.print(f"written: {', '.join(str(path) for path in written)}")
    elif not as_json:
        out.print(words(study, (), ""))
    if as_json:
        print_json(plain(study))


def write(study: Study, page: Path) -> list[Path]:
    """The page, its figures (.json) and its pictures in a folder of its name."""
    study = settled(study)
    drawn = pictures(study)
    beside = page.with_suffix("")
    beside.mkdir(parents=True, exist_ok=True)
    texts = {beside / name: text for name, text in drawn.items()}
    texts[page.with_suffix(".json")] = dump_study(study)
    texts[page] = words(study, drawn, beside.name)
    for path, text in texts.items():
        with atomic(path) as part:
            part.write_text(text, encoding="utf-8")
    return list(texts)


def variants_tried(record: Path) -> int | None:
    """Rows of the table of variants in the record of the decision; None where there is no such record."""
    if not record.is_file():
        return None
    lines = record.read_text("utf-8").splitlines()
    first = next((k for k, line in enumerate(lines) if line.startswith("| variant |")), len(lines))
    return sum(1 for _ in takewhile(lambda line: line.startswith("|"), lines[first + 2 :])) or None


def staleness(page: Path, folder: Path, *, runners: Collection[str] = RECHECKED) -> list[str]:
    """Why the page must be made again: inputs that changed, words that do not follow from the figures, and figures of
    `runners` that another training does not give. Empty when it is as it should be.
    """
    study = load_study(page.with_suffix(".json"))
    stale = [f"{what} changed" for what in changed(study.inputs, inputs(folder))]
    drawn = sorted(path.name for path in page.with_suffix("").glob("*.svg"))
    if page.read_text("utf-8") != words(study, drawn, page.with_suffix("").name):
        stale.append("its words are not those of its figures")
    before = study.figures[LEARNED][RUNNER].rmse_by_runner_s
    for runner, rmse_s in recompute(folder, runners).items():
        if not abs(rmse_s - before.get(runner, 0.0)) <= TOLERANCE_S:
            stale.append(
                f"{runner}: RMSE {ms_from_s(rmse_s):.2f} ms now, {ms_from_s(before.get(runner, 0.0)):.2f} written"
            )
    return stale
