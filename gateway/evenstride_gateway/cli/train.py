"""`evenstride train`: recordings with a force reference -> the table of the learned estimator."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from evenstride_analysis.strides.learned.table import LearnedTable, dump_table
from evenstride_analysis.study.teach import legs_of
from evenstride_analysis.training.left_out import Job, LeftOut, folds_of
from evenstride_analysis.training.train import train as teach
from evenstride_analysis.units import ms_from_s
from evenstride_gateway.cli.common import out, print_json, progress
from evenstride_gateway.tables.strides import atomic
from evenstride_gateway.tables.trials import read_trials

DATA = (
    "Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, virtual shank sensors of 18 treadmill runners at 2.5/3.5/4.5 m/s,"
    " 50 N force reference"
)
LICENCE = "CC BY 4.0; the data were changed"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def train(*, recordings: Path | None, table: Path | None, seed: int, as_json: bool) -> None:
    """Train on all runners, fit the stated errors to runners left out, write the table or print it."""
    folder = (recordings or Path(os.environ.get("EVENSTRIDE_DATA", "../shared/data"))) / "rbds"
    trials = read_trials(folder)
    legs = [leg for trial in trials for leg in legs_of(trial)]
    for name in _THREADS:  # one process per core is quicker than a network of 16 spread over all of them
        os.environ.setdefault(name, "1")
    with progress("training", quiet=as_json) as tell, ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        steps = 1 + len(folds_of(legs))
        done = 0

        def step(_: str) -> None:
            nonlocal done
            done += 1
            tell(done, steps)

        def each(meet: Callable[[Job], LeftOut], jobs: Iterable[Job]) -> Iterator[LeftOut]:
            return pool.map(meet, jobs)

        made = teach(
            legs,
            seed=seed,
            progress=step,
            each=each,
            provenance={
                "data": DATA,
                "licence": LICENCE,
                "command": "evenstride train",
                "inputs_sha256": inputs_hash(sorted(folder.glob("*.npz"))),
            },
        )
    text = dump_table(made)
    if table is not None:
        with atomic(table) as part:
            part.write_text(text, encoding="utf-8")
    if as_json:
        print_json(_said(made))
    elif table is None:
        out.print(text, end="")
    else:
        said = _said(made)
        out.print(
            f"written: {table} ({len(text) / 1000:.0f} kB); runners left out: stance error SD"
            f" {said['stance_error_sd_ms']:.1f} ms, symmetry index {said['symmetry_error_sd_percent']:.2f} %"
        )


def _said(table: LearnedTable) -> dict[str, float]:
    return {
        "stance_error_sd_ms": ms_from_s(table.stance_sd_s),
        "symmetry_error_sd_percent": 100 * table.si_error_sd,
    }


def inputs_hash(paths: list[Path]) -> str:
    """SHA-256 over names, sizes and bytes of the recordings."""
    whole = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        whole.update(f"{path.name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()
