"""`evenstride accuracy`: the only command that may state accuracy."""

import os
from pathlib import Path

from evenstride_analysis.accuracy import AccuracyReport, accuracy_markdown, match_trials, score
from evenstride_analysis.simulate.score import SimulatedAccuracy, simulated_accuracy
from evenstride_analysis.strides.detector import StrideDetector
from evenstride_analysis.units import ms_from_s
from evenstride_gateway.cli.common import out, print_json, progress
from evenstride_gateway.tables.strides import atomic
from evenstride_gateway.tables.trials import read_trials

SEEDS = range(1, 25)


def accuracy(*, recordings: Path | None, page: Path | None, as_json: bool) -> None:
    """Score the method on the recordings and on the virtual runner; the page goes to a file or to the screen."""
    folder = recordings or Path(os.environ.get("EVENSTRIDE_DATA", "../shared/data"))
    with progress("real runners", quiet=as_json):
        report = score(match_trials(read_trials(folder / "rbds")))
    with progress("virtual runners", quiet=as_json):
        plain = simulated_accuracy(SEEDS, StrideDetector)
        erring = simulated_accuracy(SEEDS, StrideDetector, system_error=True)
    if as_json:
        print_json(_json(report, plain, erring))
        return
    text = _page(report, plain, erring)
    if page is not None:
        with atomic(page) as part:
            part.write_text(text, encoding="utf-8")
        out.print(f"written: {page}")
    else:
        out.print(text)


def _page(report: AccuracyReport, plain: SimulatedAccuracy, erring: SimulatedAccuracy) -> str:
    return (
        "# Accuracy\n\n"
        "Made by `evenstride accuracy --out docs/accuracy.md`; not edited by hand, and stated nowhere else.\n\n"
        "## Real runners\n\n"
        "Treadmill running, 50 N force reference, contact after 1 s and toe-off before 29 s, nearest event within\n"
        "250 ms, doubted strides included. Constants were chosen without the tested runner. The signals are virtual\n"
        "IMUs from motion capture (Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, CC BY 4.0): timing-faithful, not\n"
        "impact-faithful, without straps, skin and sensor error. **They are no claim about real pods**, which will\n"
        "be worse.\n\n"
        f"{accuracy_markdown(report)}\n"
        "## The virtual runner beside them\n\n"
        f"{len(plain.runs)} simulated runs of 90 s at 3 m/s. With the system error on, each leg draws the error that\n"
        "was measured on real recordings; the detector's error then is of the size of the table above.\n\n"
        "| | system error off | system error on | real runners |\n|---|---|---|---|\n"
        f"| Stance RMSE, ms | {ms_from_s(plain.stance_rmse_s):.1f} | {ms_from_s(erring.stance_rmse_s):.1f} "
        f"| {ms_from_s(report.rmse_s):.1f} |\n"
        f"| Stance bias, ms | {ms_from_s(plain.stance_bias_s):+.1f} | {ms_from_s(erring.stance_bias_s):+.1f} "
        f"| {ms_from_s(report.bias_s):+.1f} |\n"
        f"| Error SD of the symmetry index, % | {100 * plain.si_error_sd:.2f} | {100 * erring.si_error_sd:.2f} "
        f"| {100 * report.si_error_sd:.2f} |\n"
        f"| Worst leg's mean error, ms | {ms_from_s(plain.worst_leg_bias_s):.1f} "
        f"| {ms_from_s(erring.worst_leg_bias_s):.1f} | |\n"
        f"| Missed + false strides | {plain.missed} + {plain.false} | {erring.missed} + {erring.false} "
        f"| {report.missed} + {report.false} |\n"
    )


def _json(report: AccuracyReport, plain: SimulatedAccuracy, erring: SimulatedAccuracy) -> dict[str, object]:
    return {
        "method": report.method,
        "runners": report.runners,
        "stances": report.stances,
        "stance_rmse_ms": ms_from_s(report.rmse_s),
        "stance_bias_ms": ms_from_s(report.bias_s),
        "stance_bias_by_speed_ms": {f"{v:g}": ms_from_s(b) for v, b in report.bias_by_speed_s.items()},
        "missed": report.missed,
        "false": report.false,
        "symmetry_error_sd_percent": 100 * report.si_error_sd,
        "run_mean_icc": report.run_mean_icc,
        "simulated": {
            name: {
                "stance_rmse_ms": ms_from_s(figures.stance_rmse_s),
                "stance_bias_ms": ms_from_s(figures.stance_bias_s),
                "symmetry_error_sd_percent": 100 * figures.si_error_sd,
                "missed": figures.missed,
                "false": figures.false,
            }
            for name, figures in (("system_error_off", plain), ("system_error_on", erring))
        },
    }
