"""docs/accuracy.md in words and tables, from the figures of a study. Nothing is computed here but units."""

from collections.abc import Iterable

from evenstride_analysis.study.figures import Agreement, Coverage, Figures
from evenstride_analysis.study.folds import RUNNER, STYLE
from evenstride_analysis.study.result import Study
from evenstride_gateway.report.accuracy.cells import ms, number, percent, table
from evenstride_gateway.report.accuracy.goals import in_short
from evenstride_gateway.report.accuracy.tables import beyond, distortions, elsewhere, planted, simulated
from evenstride_gateway.report.accuracy.words import (
    BEYOND,
    CAPTIONS,
    CURVE,
    ELSEWHERE,
    HEAD,
    HOW,
    KINDS,
    NOT_VALIDATED,
    PLANTED,
    ROBUST,
    SIMULATED,
    UNCERTAIN,
    VARIANTS,
)

_METHODS = ("learned", "rules")


def page(study: Study, pictures: Iterable[str], folder: str) -> str:
    """The whole document; `pictures` are the names of the files that lie in `folder`, relative to the document."""
    drawn = set(pictures)

    def picture(name: str) -> str:
        words, caption = CAPTIONS[name]
        return f"![{words}]({folder}/{name})\n\n{caption}\n\n" if name in drawn else ""

    parts = [
        f"# Accuracy\n\n{HEAD}\n\n",
        "## In short\n\n" + in_short(study),
        f"## How it was measured\n\n{HOW}\n\n",
        "## Stance by speed and method\n\nEach runner was left out of training, then tested.\n\n" + _by_speed(study),
        picture("agreement.svg"),
        picture("error-by-speed.svg"),
        "## Who is left out\n\n" + _by_kind(study),
        "### Worst runners\n\n" + _runners(study),
        f"## What a stride says of its own error\n\n{UNCERTAIN}\n\n" + _coverage(study),
        _provisional(study),
        f"## Learning curve over runners\n\n{CURVE}\n\n" + _curve(study),
        picture("learning-curve.svg"),
        f"## Off the training set\n\n{ROBUST}\n\n" + distortions(study),
        picture("robustness.svg"),
        f"### Other laboratories, a real gyro, real walking\n\n{ELSEWHERE}\n\n" + elsewhere(study),
        f"## The virtual runner\n\n{SIMULATED}\n\n" + simulated(study),
        f"## Symmetry: coverage and power\n\n{PLANTED}\n\n" + planted(study) if study.planted else "",
        picture("power.svg"),
        *(f"## {section.title}\n\n{section.text.strip()}\n\n" for section in study.sections),
        f"## Variants tried\n\n{VARIANTS.format(n=study.variants)}\n\n" if study.variants else "",
        f"### Beyond the estimator\n\n{BEYOND}\n\n" + beyond(study) if study.tried else "",
        f"## What has not been validated\n\n{NOT_VALIDATED}\n\n",
        "## Inputs\n\n" + _inputs(study),
    ]
    return "".join(parts).rstrip() + "\n"


def _name(study: Study, method: str) -> str:
    return study.method if method == "learned" else "rules-1"


def _agreement(it: Agreement) -> list[str]:
    return [
        str(it.stances),
        ms(it.rmse_s),
        ms(it.mae_s),
        ms(it.bias_s, sign=True),
        f"{ms(it.loa_low_s, sign=True)} to {ms(it.loa_high_s, sign=True)}",
        number(it.icc, 3),
        f"{percent(it.si_error_sd, 2)} ({number(it.si_correlation, 2)})",
    ]


def _by_speed(study: Study) -> str:
    head = ("speed, m/s", "method", "stances", "RMSE, ms", "MAE, ms", "bias, ms", "limits of agreement, ms")
    rows: list[list[str]] = []
    for speed in study.figures["learned"][RUNNER].by_speed:
        for method in _METHODS:
            one = study.figures[method][RUNNER].by_speed[speed]
            rows.append([speed, _name(study, method), *_agreement(one)])
    rows += [["all", _name(study, m), *_agreement(study.figures[m][RUNNER].overall)] for m in _METHODS]
    return table((*head, "ICC(2,1) of leg-run means", "SI error SD, % (r)"), rows)


def _by_kind(study: Study) -> str:
    head = (
        "fold",
        "method",
        "RMSE, ms [95 % over runners]",
        "worst runner, ms",
        "bias, ms",
        "SI error SD, % (r)",
        "contact RMSE, ms (bias)",
        "toe-off RMSE, ms (bias)",
        "beyond 20 ms, %",
        "missed + false",
        "doubted, %",
    )
    rows: list[list[str]] = []
    for kind in study.figures["learned"]:
        for method in _METHODS:
            it = study.figures[method][kind]
            whole = it.overall
            rows.append(
                [
                    KINDS.get(kind, kind),
                    _name(study, method),
                    f"{ms(whole.rmse_s)} [{ms(it.rmse_range_s[0])}-{ms(it.rmse_range_s[1])}]",
                    ms(it.worst_runner_rmse_s),
                    ms(whole.bias_s, sign=True),
                    f"{percent(whole.si_error_sd, 2)} ({number(whole.si_correlation, 2)})",
                    f"{ms(it.contact_rmse_s)} ({ms(it.contact_bias_s, sign=True)})",
                    f"{ms(it.toe_off_rmse_s)} ({ms(it.toe_off_bias_s, sign=True)})",
                    percent(it.beyond_20ms / whole.stances, 2),
                    f"{it.missed} + {it.false} ({percent(it.wrong_share, 2)} %)",
                    percent(it.doubted / whole.stances, 1),
                ]
            )
    return table(head, rows)


def _runners(study: Study) -> str:
    kinds = [kind for kind in (RUNNER, STYLE) if kind in study.figures["learned"]]
    rows: list[list[str]] = []
    mine = study.figures["learned"][RUNNER].rmse_by_runner_s
    for runner, rmse_s in sorted(mine.items(), key=lambda pair: -pair[1])[:6]:
        rows.append([runner, *(_worst(study.figures["learned"][kind], runner) for kind in kinds)])
        rows[-1].append(_worst(study.figures["rules"][RUNNER], runner))
        del rmse_s
    head = ["runner", *(f"RMSE, {KINDS[kind]}, ms" for kind in kinds), "rules-1, runner left out, ms"]
    return table(head, rows)


def _worst(it: Figures, runner: str) -> str:
    value = it.rmse_by_runner_s.get(runner)
    return "-" if value is None else ms(value)


def _coverage(study: Study) -> str:
    head = (
        "fold",
        "68 % interval of a stride holds, %",
        "95 %",
        "68 % interval of a leg in a run, %",
        "95 %",
        "median SD of a leg, ms",
        "SD > 7 ms: flagged, %",
        "of errors beyond 20 ms caught",
        "legs with SD > 6 ms, %",
    )
    rows = [[KINDS.get(kind, kind), *_covered(it)] for kind, it in study.coverage.items()]
    beyond = sum(it.beyond for it in study.coverage.values())
    caught = sum(it.caught for it in study.coverage.values())
    together = f"{percent(caught / beyond)} %" if beyond else "none to catch"
    return (
        table(head, rows)
        + f"Over all folds together: {caught} of {beyond} errors beyond 20 ms caught ({together}).\n\n"
    )


def _covered(it: Coverage) -> list[str]:
    return [
        percent(it.stride_68),
        percent(it.stride_95),
        percent(it.leg_68),
        percent(it.leg_95),
        "-" if it.leg_sd_median_s is None else ms(it.leg_sd_median_s),
        percent(it.flagged, 1),
        f"{it.caught} of {it.beyond}",
        percent(it.refused),
    ]


def _provisional(study: Study) -> str:
    it = study.provisional
    if it is None:
        return ""
    return (
        "### The provisional stride of the live page\n\n"
        f"Decided with {ms(it.latency_median_s)} ms of signal after toe-off (median; 95 % within"
        f" {ms(it.latency_p95_s)} ms), before the stride is complete: RMSE {ms(it.rmse_s)} ms, bias"
        f" {ms(it.bias_s, sign=True)} ms over {it.stances} stances, runner left out;"
        f" {percent(it.missing_share, 1)} % of the stances got none.\n\n"
    )


def _curve(study: Study) -> str:
    rows = [
        [
            str(point.runners),
            str(point.draws),
            f"{ms(point.rmse_s)} ({ms(point.rmse_low_s)}-{ms(point.rmse_high_s)})"
            if point.draws > 1
            else ms(point.rmse_s),
            ms(point.worst_runner_rmse_s),
            percent(point.si_error_sd, 2),
        ]
        for point in study.curve
    ]
    return table(
        ("runners", "groups drawn", "RMSE, ms (range over groups)", "worst runner, ms", "SI error SD, %"), rows
    )


def _inputs(study: Study) -> str:
    rows = [
        [what, name, f"`{digest[:16]}`"]
        for what, part in (("data", study.inputs.data), ("table", study.inputs.tables), ("code", study.inputs.code))
        for name, digest in part.items()
    ]
    return (
        "SHA-256 (first 16 digits) of what these figures were made from; comments do not count. All figures are in\n"
        "[accuracy.json](accuracy.json). A test compares the hashes, trains again without three of the runners, and\n"
        "fails when either has changed.\n\n" + table(("", "input", "hash"), rows)
    )
