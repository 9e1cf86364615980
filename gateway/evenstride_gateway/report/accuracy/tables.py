"""The tables of what lies off the training set, of simulations, and of what was tried beyond the estimator."""

import math
from collections.abc import Sequence

from evenstride_analysis.study.folds import SPEED
from evenstride_analysis.study.result import PlantedLevel, Study
from evenstride_analysis.study.variants import Score, Tried
from evenstride_gateway.report.accuracy.cells import ms, percent, table


def distortions(study: Study) -> str:
    head = (
        "test recordings",
        "",
        "RMSE, ms",
        "bias, ms",
        "worst runner, ms",
        "SI error SD, %",
        "missed + false, %",
        "doubted, %",
        "68 % interval holds, %",
        "rules-1: RMSE, ms (bias)",
    )
    rows = [
        [
            row.group,
            row.name,
            ms(row.learned.rmse_s),
            ms(row.learned.bias_s, sign=True),
            ms(row.worst_runner_rmse_s),
            percent(row.learned.si_error_sd, 2),
            percent(row.wrong_share, 2),
            percent(row.doubted_share, 1),
            percent(row.stride_68),
            f"{ms(row.rules.rmse_s)} ({ms(row.rules.bias_s, sign=True)})",
        ]
        for row in study.distortions
    ]
    speed = study.figures["learned"].get(SPEED)
    if speed is not None:
        rules = study.figures["rules"][SPEED].overall
        rows.insert(
            1,
            [
                "speed",
                "never trained on, nor the runner",
                ms(speed.overall.rmse_s),
                " / ".join(f"{ms(one.bias_s, sign=True)}" for one in speed.by_speed.values()),
                ms(speed.worst_runner_rmse_s),
                percent(speed.overall.si_error_sd, 2),
                percent(speed.wrong_share, 2),
                percent(speed.doubted / speed.overall.stances, 1),
                percent(study.coverage[SPEED].stride_68),
                f"{ms(rules.rmse_s)} ({ms(rules.bias_s, sign=True)})",
            ],
        )
    return table(head, rows)


def elsewhere(study: Study) -> str:
    head = (
        "recording",
        "leg",
        "method",
        "stances (missed)",
        "contact, ms",
        "toe-off, ms",
        "stance, ms",
        "SD within, ms",
        "stated SD, ms",
        "doubted",
    )
    rows = [
        [
            row.source,
            row.leg,
            row.method,
            f"{row.stances} ({row.missed})",
            ms(row.contact_bias_s, sign=True),
            ms(row.toe_off_bias_s, sign=True),
            ms(row.stance_bias_s, sign=True),
            ms(row.within_sd_s),
            ms(row.stated_sd_s),
            str(row.doubted),
        ]
        for row in study.elsewhere
    ]
    walked = [
        [row.name, str(row.strides), f"{percent(row.walking / row.strides, 1)} %", str(row.doubted_running)]
        for row in study.walking
    ]
    return table(head, rows) + table(
        ("real walking", "strides", "told from running", "taken for running, but doubted"), walked
    )


def simulated(study: Study) -> str:
    head = (
        "virtual runners",
        "method",
        "runs",
        "strides",
        "stance RMSE, ms",
        "bias, ms",
        "worst leg, ms",
        "SI error SD, %",
    )
    rows = [
        [
            row.name,
            row.method,
            str(row.runs),
            str(row.strides),
            ms(row.stance_rmse_s),
            ms(row.stance_bias_s, sign=True),
            ms(row.worst_leg_bias_s),
            percent(row.si_error_sd, 2),
            f"{row.missed} + {row.false}",
        ]
        for row in study.simulated
    ]
    return table((*head, "missed + false"), rows)


def planted(study: Study) -> str:
    head = (
        "how",
        "planted SI, %",
        "runners",
        "95 % interval holds it, %",
        "under 60 pairs",
        "60 and more",
        "real, %",
        "possible, %",
        "not measurable, %",
        "on the wrong leg, %",
        "mean half-width, %",
    )
    rows = [
        [
            level.source,
            percent(level.planted),
            str(level.runners),
            percent(level.covered, 1),
            percent(level.covered_short, 1),
            percent(level.covered_long, 1),
            percent(level.real, 1),
            percent(level.possible, 1),
            percent(level.refused, 1),
            percent(level.wrong_side, 1),
            percent(level.half_width, 1),
        ]
        for level in study.planted
    ]
    stated = study.system
    words = (
        f"Each leg draws a system error as large as the product states it for `{study.method}`:"
        f" {percent(stated.estimator, 1)} % of the index by the\nestimator, {percent(stated.allowance, 1)} % by strap,"
        f" skin and placement ({percent(stated.together, 1)} % together).\n\n"
    )
    return words + table(head, rows) + _together(study.planted)


def _together(levels: Sequence[PlantedLevel]) -> str:
    """All levels of one kind: single levels of few runners scatter too much to be read alone."""
    lines: list[str] = []
    for source in dict.fromkeys(level.source for level in levels):
        some = [level for level in levels if level.source == source]
        judged = [level.runners * (1.0 - level.refused) for level in some]
        held = sum(level.covered * n for level, n in zip(some, judged, strict=True) if n)
        scatter = math.sqrt(0.95 * 0.05 / some[0].runners)
        lines.append(
            f"- {source}: {held:.0f} of {sum(judged):.0f} intervals hold the planted index"
            f" ({percent(held / sum(judged), 1)} %); one level's share scatters by {percent(scatter, 1)} % (SD)."
        )
    return "\n".join(lines) + "\n\n"


def beyond(study: Study) -> str:
    """What each step would gain; "helps" where every figure of both kinds of folds is better."""
    head = (
        "change",
        "runner left out: RMSE, ms",
        "worst runner, ms",
        "SI error SD, %",
        "style left out: RMSE, ms",
        "worst runner, ms",
        "SI error SD, %",
        "better in all six",
    )
    first = study.tried[0]
    rows = [
        [one.name, *_score(one.runner), *_score(one.style), "" if one is first else _yes(_better(one, first))]
        for one in study.tried
    ]
    return table(head, rows)


def _score(it: Score) -> list[str]:
    return [f"{1e3 * it.rmse_s:.2f}", f"{1e3 * it.worst_runner_rmse_s:.2f}", percent(it.si_error_sd, 2)]


def _better(one: Tried, first: Tried) -> bool:
    pairs = ((one.runner, first.runner), (one.style, first.style))
    return all(
        new.rmse_s < old.rmse_s
        and new.worst_runner_rmse_s < old.worst_runner_rmse_s
        and new.si_error_sd < old.si_error_sd
        for new, old in pairs
    )


def _yes(so: bool) -> str:
    return "yes" if so else "no"
