"""The accuracy page: written from figures alone, a missed goal named, hashes that notice code and ignore words."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from evenstride_analysis.study.distort import PLAIN
from evenstride_analysis.study.figures import Agreement, Coverage, Figures
from evenstride_analysis.study.folds import RUNNER, SPEED, STYLE
from evenstride_analysis.study.result import (
    CurvePoint,
    Distortion,
    Elsewhere,
    Inputs,
    LegPoint,
    PlantedLevel,
    Provisional,
    Section,
    Simulated,
    StatedSystem,
    Study,
    Walking,
)
from evenstride_analysis.study.variants import Score, Tried
from evenstride_gateway.cli.accuracy import variants_tried, write
from evenstride_gateway.cli.inputs import changed, statements
from evenstride_gateway.errors import InputError
from evenstride_gateway.report.accuracy.page import page
from evenstride_gateway.report.accuracy.pictures import pictures
from evenstride_gateway.report.accuracy.stored import dump_study, load_study, plain

GOOD = Agreement(
    stances=4227,
    legs=106,
    rmse_s=0.0043,
    mae_s=0.0035,
    bias_s=0.0005,
    loa_low_s=-0.008,
    loa_high_s=0.009,
    leg_mean_sd_s=0.004,
    icc=0.994,
    si_error_sd=0.0123,
    si_correlation=0.92,
)
POOR = replace(GOOD, rmse_s=0.0116, mae_s=0.0083, si_error_sd=0.0245, icc=0.957)


def figures_of(whole: Agreement, worst_s: float) -> Figures:
    return Figures(
        overall=whole,
        by_speed={"2.5": whole, "3.5": whole},
        rmse_by_runner_s={"RBDS001": worst_s, "RBDS002": 0.004},
        rmse_range_s=(0.0038, 0.0047),
        missed=0,
        false=1,
        doubted=38,
        beyond_20ms=2,
        contact_bias_s=-0.0008,
        contact_rmse_s=0.0028,
        toe_off_bias_s=-0.0003,
        toe_off_rmse_s=0.0034,
    )


COVERED = Coverage(
    strides=4227,
    legs=106,
    stride_68=0.68,
    stride_95=0.97,
    leg_68=0.67,
    leg_95=0.98,
    leg_sd_median_s=0.0041,
    refused=0.02,
    flagged=0.04,
    beyond=2,
    caught=1,
    beyond_in={"RBDS002_T25": 2},
)


@pytest.fixture(scope="module")
def drawn(study: Study) -> dict[str, str]:
    return pictures(study)


@pytest.fixture(scope="module")
def study() -> Study:
    learned, rules = figures_of(GOOD, 0.006), figures_of(POOR, 0.019)
    return Study(
        method="learned-1",
        inputs=Inputs(data={"rbds": "a" * 64}, tables={"learned_1.json": "b" * 64}, code={"strides": "c" * 64}),
        figures={
            "learned": {RUNNER: learned, STYLE: figures_of(GOOD, 0.0121), SPEED: learned},
            "rules": {RUNNER: rules, STYLE: rules, SPEED: rules},
        },
        coverage=dict.fromkeys((RUNNER, STYLE, SPEED), COVERED),
        legs=[
            LegPoint(
                trial=f"RBDS00{k}_T{speed}5",
                side=side,
                speed_mps=speed + 0.5,
                reference_s=0.24 + 0.002 * k,
                learned_s=0.243 + 0.002 * k,
                rules_s=0.25,
                system_sd_s=0.004,
            )
            for k in range(3)
            for speed in (2, 3)
            for side in ("left", "right")
        ],
        distortions=[
            Distortion(
                group=PLAIN.group,
                name=PLAIN.name,
                learned=GOOD,
                rules=POOR,
                worst_runner_rmse_s=0.006,
                wrong_share=0.0,
                doubted_share=0.01,
                stride_68=0.68,
            )
        ],
        elsewhere=[
            Elsewhere(
                source="JDX",
                leg="left",
                method="learned-1",
                stances=11,
                missed=0,
                contact_bias_s=-0.019,
                toe_off_bias_s=0.004,
                stance_bias_s=0.023,
                within_sd_s=0.004,
                stated_sd_s=0.006,
                doubted=1,
            )
        ],
        walking=[Walking(name="PWS", strides=200, walking=199, doubted_running=1)],
        curve=[
            CurvePoint(
                runners=n,
                draws=6,
                rmse_s=0.006,
                rmse_low_s=0.005,
                rmse_high_s=0.009,
                worst_runner_rmse_s=0.012,
                si_error_sd=None,
            )
            for n in (6, 17)
        ],
        provisional=Provisional(
            stances=4200,
            rmse_s=0.0048,
            bias_s=0.0003,
            missing_share=0.001,
            latency_median_s=0.045,
            latency_p95_s=0.055,
        ),
        simulated=[
            Simulated(
                name="system error off",
                method="learned-1",
                runs=24,
                strides=6000,
                stance_rmse_s=0.005,
                stance_bias_s=-0.001,
                worst_leg_bias_s=0.01,
                si_error_sd=0.001,
                missed=0,
                false=0,
            )
        ],
        system=StatedSystem(estimator=0.012, allowance=0.02, together=0.0235),
        planted=[
            PlantedLevel(
                source="strides drawn",
                planted=level,
                runners=2000,
                covered=0.95,
                covered_short=None,
                covered_long=0.95,
                real=5 * level,
                possible=0.1,
                refused=0.0,
                wrong_side=0.0,
                half_width=0.047,
            )
            for level in (0.0, 0.06)
        ],
        sections=[Section(title="Impact", text="Shocks.\n")],
        tried=[
            Tried(
                name="as it is",
                runner=Score(rmse_s=0.0043, worst_runner_rmse_s=0.006, si_error_sd=0.0123),
                style=Score(rmse_s=0.0046, worst_runner_rmse_s=0.0074, si_error_sd=0.0141),
            )
        ],
        variants=12,
    )


def test_every_section_has_its_table(study: Study, drawn: dict[str, str]) -> None:
    text = page(study, drawn, "accuracy")
    for words in (
        "| stance RMSE, runner left out | 5 ms | 4.3 ms | met |",
        "| 2.5 | learned-1 | 4227 | 4.3 |",
        "| runner left out | rules-1 | 11.6 [3.8-4.7] |",
        "3 of 6 errors beyond 20 ms caught",
        "| JDX | left | learned-1 | 11 (0) | -19.0 |",
        "| PWS | 200 | 99.5 % | 1 |",
        "45.0 ms of signal after toe-off",
        "| strides drawn | 6 | 2000 | 95.0 | - | 95.0 | 30.0 |",
        "Real shank hardware against force plates: nothing.",
        "## Impact\n\nShocks.\n\n##",
        "12 variants of the estimator",
        "95 of 100 single stances are right within 8.4 ms",
        "called `real` from an index of about 6 % on",
        "| as it is | 4.30 | 6.00 | 1.23 | 4.60 | 7.40 | 1.41 |  |",
        "| table | learned_1.json | `bbbbbbbbbbbbbbbb` |",
    ):
        assert words in text
    columns = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    heads = [k for k, line in enumerate(text.splitlines()) if line.startswith("|---")]
    assert len(heads) == 13
    assert min(columns) > 2


def test_a_missed_goal_is_named(study: Study) -> None:
    text = page(study, (), "")
    assert "| worst runner, style left out | 9 ms | 12.1 ms | **not met** |" in text
    assert "| errors beyond 20 ms that were doubted | at least 80 % | 50 % | **not met** |" in text
    assert "- Not met, errors beyond 20 ms that were doubted: with one runner" in text
    assert "knew a few runners only; 6 of the 6 are runner RBDS002 at 2.5 m/s." in text
    assert "- Not met, worst runner, style left out: why is not known." in text
    assert "![" not in text


def test_a_step_helps_only_where_every_figure_is_better(study: Study) -> None:
    first = study.tried[0]
    better = replace(first.runner, rmse_s=0.004, worst_runner_rmse_s=0.005, si_error_sd=0.012)
    steps = [
        replace(first, name="both", runner=better, style=replace(better, rmse_s=0.0045)),
        replace(first, name="one", runner=better),
    ]
    text = page(replace(study, tried=[first, *steps]), (), "")
    assert "| both | 4.00 | 5.00 | 1.20 | 4.50 | 5.00 | 1.20 | yes |" in text
    assert "| one | 4.00 | 5.00 | 1.20 | 4.60 | 7.40 | 1.41 | no |" in text


def test_even_runners_called_uneven_are_a_goal(study: Study) -> None:
    text = page(study, (), "")
    assert "| 95 % intervals of symmetry, every planted index | 93-97 % | 95.0-95.0 % | met |" in text
    assert "| even runners called uneven (`real`) | 1.5 % | 0.0 % | met |" in text


def test_what_was_not_measured_is_not_on_the_page(study: Study) -> None:
    text = page(replace(study, provisional=None, planted=[], variants=None), (), "")
    for words in ("provisional", "planted SI", "Variants"):
        assert words not in text


def test_figures_are_read_back(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "accuracy.json"
    path.write_text(dump_study(study), encoding="utf-8")
    assert load_study(path) == study
    assert plain(load_study(path)) == plain(study)
    with pytest.raises(InputError, match="not the figures"):
        load_study(tmp_path / "absent.json")
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not the figures"):
        load_study(path)


def test_the_page_lies_beside_its_figures_and_pictures(study: Study, tmp_path: Path) -> None:
    write(study, tmp_path / "accuracy.md")
    text = (tmp_path / "accuracy.md").read_text("utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert len(shown) == 5
    for name in shown:
        assert (tmp_path / name).read_text("utf-8").startswith("<svg ")
    assert {path.name for path in tmp_path.iterdir()} == {"accuracy", "accuracy.md", "accuracy.json"}


def test_the_page_follows_from_its_stored_figures(study: Study, tmp_path: Path) -> None:
    whole = replace(study.figures["learned"][RUNNER].overall, rmse_s=0.004249999999)  # 4.25 once it is stored
    learned = replace(study.figures["learned"][RUNNER], overall=whole)
    by_kind = study.figures["learned"] | {RUNNER: learned}
    written = tmp_path / "accuracy.md"
    write(replace(study, figures=study.figures | {"learned": by_kind}), written)
    read_back = load_study(tmp_path / "accuracy.json")
    drawn = [path.name for path in (tmp_path / "accuracy").iterdir()]
    assert written.read_text("utf-8") == page(read_back, drawn, "accuracy")


def test_pictures_show_both_methods_and_describe_themselves(drawn: dict[str, str]) -> None:
    for name, svg in drawn.items():
        assert 'role="img"' in svg, name
        assert 'aria-label="' in svg, name
    assert "rules-1" in drawn["agreement.svg"]


def test_a_changed_input_is_named() -> None:
    before = Inputs(data={"rbds": "a"}, tables={"t": "b"}, code={"strides": "c", "gone": "d"})
    now = Inputs(data={"rbds": "a"}, tables={"t": "x"}, code={"strides": "c", "new": "e"})
    assert changed(before, before) == []
    assert changed(before, now) == ["table t", "code gone", "code new"]


def test_words_are_no_code() -> None:
    source = (
        '"""A module."""\n\nX = 1  # one\n\n\ndef f() -> str:\n    """Says\n    so."""\n    return "# not a comment"\n'
    )
    assert statements(source) == 'X = 1\ndef f() -> str:\n    return "# not a comment"'
    assert statements(source) != statements(source.replace("X = 1", "X = 2"))
    assert statements(source) == statements(source.replace("# one", "# another").replace("Says", "Tells"))


def test_variants_are_counted_in_the_record_of_the_decision(tmp_path: Path) -> None:
    record = tmp_path / "0009.md"
    assert variants_tried(record) is None
    record.write_text(
        "# 9\n\n| other |\n|---|\n| a |\n\n| variant | kept |\n|---|---|\n| one | |\n| two | yes |\n\nEnd\n"
    )
    assert variants_tried(record) == 2
