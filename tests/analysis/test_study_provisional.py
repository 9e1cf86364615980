"""The figure of the provisional stances: which are matched, missing, false, and how late each was."""

from dataclasses import replace

import numpy as np
import pytest
from support.recordings import rbds_trial

from evenstride_analysis.accuracy import Trial
from evenstride_analysis.errors import InputError
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LIVE_NETS
from evenstride_analysis.study.provisional import Early, early_of, provisional_errors, provisional_of


@pytest.fixture(scope="module")
def trial() -> Trial:
    whole = rbds_trial("RBDS010_T35")
    n = int(12.0 * 150.0)
    legs = {
        side: replace(leg, accel_mps2=leg.accel_mps2[:n], gyro_radps=leg.gyro_radps[:n])
        for side, leg in whole.legs.items()
    }
    return replace(whole, legs=legs, from_s=3.0, to_s=11.0)


def test_both_legs_of_a_recording_are_judged(trial: Trial) -> None:
    found = early_of(trial, dict(DEFAULT_TABLE.nets))
    judged = provisional_errors(found)
    counted = sum(
        int(np.count_nonzero((leg.ic_s > trial.from_s) & (leg.tc_s < trial.to_s))) for leg in trial.legs.values()
    )
    assert judged.stances == counted
    assert judged.missing_share == 0.0
    assert [early.false for early in found] == [0, 0]
    assert judged.rmse_s < 0.006
    assert 0.035 < judged.latency_median_s <= judged.latency_p95_s < 0.070


def test_the_first_stances_have_none_and_a_made_up_one_is_false(trial: Trial) -> None:
    side, leg = next(iter(trial.legs.items()))
    found = provisional_of(leg, DEFAULT_TABLE)
    early = replace(trial, legs={side: leg}, from_s=0.0)
    (with_start,) = early_of(early, dict(DEFAULT_TABLE.nets))
    assert with_start.missing >= 2
    without = replace(leg, ic_s=np.delete(leg.ic_s, 8), tc_s=np.delete(leg.tc_s, 8))
    (alone,) = early_of(replace(trial, legs={side: without}), dict(DEFAULT_TABLE.nets))
    assert any(abs(one.strike_s - leg.ic_s[8]) < 0.02 for one in found)
    assert alone.false == 1


def test_figures_are_those_of_all_legs_together() -> None:
    one = Early(errors_s=np.array([0.003, -0.003]), late_s=np.array([0.050, 0.052]), missing=1, false=0)
    two = Early(errors_s=np.array([0.009]), late_s=np.array([0.060]), missing=0, false=2)
    judged = provisional_errors([one, two])
    assert judged.stances == 3
    assert judged.rmse_s == pytest.approx(np.sqrt((9 + 9 + 81) / 3) * 1e-3)
    assert judged.bias_s == pytest.approx(0.003)
    assert judged.missing_share == 0.25
    assert (judged.latency_median_s, judged.latency_p95_s) == (0.052, pytest.approx(0.0592))
    with pytest.raises(ValueError, match="no provisional stance"):
        provisional_errors([Early(errors_s=np.zeros(0), late_s=np.zeros(0), missing=4, false=0)])


def test_networks_without_live_ones_are_refused(trial: Trial) -> None:
    nets = {name: net for name, net in DEFAULT_TABLE.nets.items() if name not in LIVE_NETS}
    with pytest.raises(InputError, match="live_toe_off"):
        early_of(trial, nets)
