"""Training: a few runners already give a sane table, the same data give the same table, copies move their reference."""

from dataclasses import replace

import numpy as np
import pytest
from support.recordings import rbds_trial

from evenstride_analysis.accuracy import match_leg
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Side
from evenstride_analysis.strides.learned.estimator import LearnedEstimator
from evenstride_analysis.strides.learned.table import dump_table, load_table
from evenstride_analysis.study.teach import legs_of
from evenstride_analysis.training import Leg, train
from evenstride_analysis.training.copies import distorted, restyled
from evenstride_analysis.training.legs import lesson
from evenstride_analysis.training.networks import matrix
from evenstride_analysis.training.uncertainty import fit_variance

TAUGHT = ("RBDS002_T35", "RBDS012_T35", "RBDS019_T35", "RBDS027_T35")


def legs(*names: str) -> list[Leg]:
    return [leg for name in names for leg in legs_of(rbds_trial(name))]


@pytest.mark.slow
def test_four_runners_give_a_sane_table_and_a_fifth_is_timed_by_it() -> None:
    steps: list[str] = []
    table = train(legs(*TAUGHT), seed=3, progress=steps.append)
    assert len(steps) == 1 + len(TAUGHT)
    assert dump_table(load_table(dump_table(table))) == dump_table(table)
    assert 0.002 < table.stance_sd_s < 0.020
    assert 0.0 < table.si_error_sd < 0.06
    trial = rbds_trial("RBDS022_T35")
    for side in Side:
        match = match_leg(trial, side, LearnedEstimator(table))
        assert match.missed + match.false == 0
        assert float(np.sqrt((match.stance_error_s**2).mean())) < 0.020


def test_two_runners_are_too_few() -> None:
    with pytest.raises(InputError, match="3 runners"):
        train(legs(*TAUGHT[:2]))


def test_a_leg_with_half_a_reference_is_refused() -> None:
    leg = legs(TAUGHT[0])[0]
    with pytest.raises(InputError, match="as many toe-offs"):
        replace(leg, toe_off_s=leg.toe_off_s[1:])
    with pytest.raises(InputError, match="both be"):
        replace(leg, gyro_radps=leg.gyro_radps[1:])


def test_every_counted_stance_finds_its_stride() -> None:
    for leg in legs("RBDS010_T25", "RBDS010_T45"):
        found = lesson(leg)
        inside = (leg.contact_s > leg.span_s[0]) & (leg.toe_off_s < leg.span_s[1])
        assert len(found.strides) + found.missed == np.count_nonzero(inside)
        assert found.missed + found.false == 0


def test_a_stretched_copy_takes_its_reference_along() -> None:
    leg = legs("RBDS001_T35")[0]
    moved = restyled(leg, np.random.default_rng(1), stretch=0.10)
    share = (moved.toe_off_s - moved.contact_s) / (leg.toe_off_s - leg.contact_s)
    assert 0.01 < abs(float(share.mean()) - 1.0) < 0.35
    assert float(share.std()) < 0.01
    louder = restyled(leg, np.random.default_rng(1), gain=0.15)
    assert louder.contact_s == pytest.approx(leg.contact_s, abs=2e-3)
    assert not np.allclose(louder.accel_mps2[:4000], leg.accel_mps2[:4000], atol=0.5)


def test_a_distorted_copy_keeps_the_reference_and_changes_the_signal() -> None:
    leg = legs("RBDS001_T35")[0]
    other = distorted(leg, np.random.default_rng(2))
    assert other.contact_s is leg.contact_s
    assert 0.05 < float(np.abs(other.accel_mps2 - leg.accel_mps2).mean()) < 50.0


def test_parts_of_a_network_do_not_see_the_level() -> None:
    level = np.tile([1.0, -2.0, 0.5], 9)
    for part in ("centred", "differences"):
        assert level @ matrix(part, 9) == pytest.approx(0.0, abs=1e-12)
    assert level @ matrix("whole", 9) == pytest.approx(level)


def test_a_check_that_tells_the_error_gets_its_weight() -> None:
    random = np.random.default_rng(5)
    checks = np.abs(random.normal(0.0, 0.004, (6000, 4)))
    errors = random.normal(0.0, np.sqrt(0.003**2 + 2.0 * checks[:, 1] ** 2))
    a, *b = fit_variance(errors, checks, np.ones(6000))
    assert a == pytest.approx(0.003**2, rel=0.15)
    assert b[1] == pytest.approx(2.0, rel=0.15)
    assert max(b[0], b[2], b[3]) < 0.1
