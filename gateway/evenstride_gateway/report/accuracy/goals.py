"""The goals of the learned estimator beside what was measured: a missed one is named, never left out."""

from collections.abc import Sequence

from evenstride_analysis.study.figures import Figures
from evenstride_analysis.study.folds import RUNNER, STYLE
from evenstride_analysis.study.result import Study
from evenstride_gateway.report.accuracy.cells import ms, percent, table
from evenstride_gateway.report.accuracy.words import KINDS, UNKNOWN, WHY

_MANY = 1000  # runners a level
_LEAST = 0.60


def in_short(study: Study) -> str:
    runner = study.figures["learned"][RUNNER]
    whole = runner.overall
    found: list[tuple[str, str, str, bool]] = [
        ("stance RMSE, runner left out", "5 ms", f"{ms(whole.rmse_s)} ms", whole.rmse_s <= 0.005),
        ("stance MAE", "4 ms", f"{ms(whole.mae_s)} ms", whole.mae_s <= 0.004),
    ]
    found += _each_speed(runner)
    if whole.icc is not None and whole.si_error_sd is not None:
        found.append(("ICC(2,1) of leg-run means", "at least 0.99", f"{whole.icc:.3f}", whole.icc >= 0.99))
        si = whole.si_error_sd
        found.append(("error SD of a run's symmetry index", "1.5 %", f"{percent(si, 2)} %", si <= 0.015))
    wrong = runner.wrong_share
    found.append(("missed and false strides", "0.3 %", f"{percent(wrong, 2)} %", wrong <= 0.003))
    style = study.figures["learned"].get(STYLE)
    if style is not None:
        rmse_s, worst_s = style.overall.rmse_s, style.worst_runner_rmse_s
        found.append(("stance RMSE, style left out", "5.5 ms", f"{ms(rmse_s)} ms", rmse_s <= 0.0055))
        found.append(("worst runner, style left out", "9 ms", f"{ms(worst_s)} ms", worst_s <= 0.009))
    found += _short_intervals(study)
    if study.provisional is not None:
        rmse_s, late_s = study.provisional.rmse_s, study.provisional.latency_p95_s
        found.append(("provisional stride, RMSE", "6 ms", f"{ms(rmse_s)} ms", rmse_s <= 0.006))
        found.append(("signal it needs after toe-off, 95 % of them", "60 ms", f"{ms(late_s)} ms", late_s <= 0.060))
    found += _planted(study)
    missed = [what for what, _, _, met in found if not met]
    whys = [f"- Not met, {what}: {_why(what).format(where=_where(study), bold=_bold(study))}\n" for what in missed]
    rows = [[what, goal, value, "met" if met else "**not met**"] for what, goal, value, met in found]
    reasons = "".join(whys) + "\n" if whys else ""
    return table(("figure", "goal", "measured", ""), rows) + reasons + _plainly(study)


def _each_speed(runner: Figures) -> list[tuple[str, str, str, bool]]:
    speeds = runner.by_speed.values()
    where = " / ".join(runner.by_speed) + " m/s"
    worst = (
        max(one.rmse_s for one in speeds),
        max(one.mae_s for one in speeds),
        max(abs(one.bias_s) for one in speeds),
    )
    errors = [" / ".join(ms(one.rmse_s, 2) for one in speeds), " / ".join(ms(one.mae_s, 2) for one in speeds)]
    biases = " / ".join(ms(one.bias_s, sign=True) for one in speeds)
    return [
        (f"stance RMSE at {where}", "5 ms each", f"{errors[0]} ms", worst[0] <= 0.005),
        (f"stance MAE at {where}", "4 ms each", f"{errors[1]} ms", worst[1] <= 0.004),
        (f"bias at {where}", "±3 ms", f"{biases} ms", worst[2] <= 0.003),
    ]


def _plainly(study: Study) -> str:
    """The same for somebody who reads a report: 95 % limits, 1.96 times the SD."""
    whole = study.figures["learned"][RUNNER].overall
    if whole.leg_mean_sd_s is None or whole.si_error_sd is None:
        return ""
    return (
        f"In plain words, for runners like these on a treadmill: 95 of 100 single stances are right within"
        f" {ms(1.96 * whole.rmse_s)} ms,\n95 of 100 legs' means of a run within {ms(1.96 * whole.leg_mean_sd_s)} ms,"
        f" and 95 of 100 runs' symmetry indices within {percent(1.96 * whole.si_error_sd, 1)} %. With the\n"
        f"{percent(study.system.allowance)} % allowed for strap, skin and placement a difference is called `real` from"
        f" an index of about {percent(2.58 * study.system.together)} % on, more\nwhere a run is short."
        " Smaller differences may be there and cannot be told from error.\n\n"
    )


def _why(what: str) -> str:
    return next((reason for start, reason in WHY.items() if what.startswith(start)), UNKNOWN)


def _bold(study: Study) -> str:
    """The kinds of folds in which an interval of strides or legs holds too little."""
    kinds = [kind for kind, it in study.coverage.items() if min(it.stride_68, it.leg_68 or 1.0) < _LEAST]
    return " and ".join(f'"{KINDS[kind]}"' for kind in kinds)


def _where(study: Study) -> str:
    """The run that most of the errors beyond 20 ms are in."""
    by_trial: dict[str, int] = {}
    for it in study.coverage.values():
        for trial, n in it.beyond_in.items():
            by_trial[trial] = by_trial.get(trial, 0) + n
    if not by_trial:
        return "none are left"
    runner, _, speed = max(by_trial, key=lambda trial: by_trial[trial]).partition("_T")
    most = max(by_trial.values())
    return f"{most} of the {sum(by_trial.values())} are runner {runner} at {int(speed) / 10:g} m/s"


def _planted(study: Study) -> list[tuple[str, str, str, bool]]:
    """Of the levels with many runners: 50 a level scatter by 3 %."""
    levels = [level for level in study.planted if level.runners >= _MANY]
    if not levels:
        return []
    held = [level.covered for level in levels]
    real = max(level.real for level in levels if level.planted == 0.0)
    met = min(held) >= 0.93 and max(held) <= 0.97
    return [
        ("95 % intervals of symmetry, every planted index", "93-97 %", _range(held, 1), met),
        ("even runners called uneven (`real`)", "1.5 %", f"{percent(real, 1)} %", real <= 0.015),
    ]


def _short_intervals(study: Study) -> list[tuple[str, str, str, bool]]:
    held = [it.stride_68 for it in study.coverage.values()]
    legs = [it.leg_68 for it in study.coverage.values() if it.leg_68 is not None]
    found = [("68 % intervals of strides, all kinds of folds", "60-76 %", _range(held), _inside(held))]
    if legs:
        found.append(("68 % intervals of legs, all kinds of folds", "60-76 %", _range(legs), _inside(legs)))
    beyond = sum(it.beyond for it in study.coverage.values())
    if beyond:
        caught = sum(it.caught for it in study.coverage.values()) / beyond
        found.append(("errors beyond 20 ms that were doubted", "at least 80 %", f"{percent(caught)} %", caught >= 0.8))
    flagged = max(it.flagged for it in study.coverage.values())
    found.append(("strides doubted for it, any kind of fold", "6 %", f"{percent(flagged, 1)} %", flagged <= 0.06))
    return found


def _range(shares: Sequence[float], digits: int = 0) -> str:
    return f"{percent(min(shares), digits)}-{percent(max(shares), digits)} %"


def _inside(shares: Sequence[float]) -> bool:
    return min(shares) >= _LEAST and max(shares) <= 0.76
