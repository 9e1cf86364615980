"""The events of a running stride by the learned networks; the rules are the start, the cross-check, and walking."""

import math

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import combine, smooth
from evenstride_analysis.model import Doubt, FloatArray, Gait
from evenstride_analysis.strides.estimator import Events, RulesEstimator, StrideWindow
from evenstride_analysis.strides.learned.frame import functional_frame
from evenstride_analysis.strides.learned.nets import (
    NEAR,
    SETTLED,
    EventNets,
    Guess,
    packed,
    self_check,
    settle,
    step_of,
    unpacked,
)
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LearnedTable
from evenstride_analysis.strides.learned.windows import GRID_S, on_grid, smoothing_kernel
from evenstride_analysis.strides.rules import DEFAULT_RULES, Rules

DOUBTED_SD_S = 0.007  # strides whose error SD is larger are doubted: signals.md 3.3
OPENING_TO_CONTACT_S = 0.025  # the first guess of contact, after the gyro's zero crossing
STANCE_SHARE = 0.37  # the first guess of toe-off, in strides after contact
CONTACT_STEPS, COARSE_STEPS, TOE_OFF_STEPS = 8, 6, 9
GRID_BEFORE_S, GRID_AFTER_S = 0.10, 0.40  # of the two mid-swings: all windows lie in between
_DISAGREE_S = 0.040
CHECK_LIMIT_S = 0.030  # a check beyond it counts as this much


class LearnedEstimator:
    """Iterated time-to-event windows (signals.md 3.3) in the leg's functional frame; walking by the rules.

    Contact: the instant at which the foot loads the ground with 50 N; toe-off: at which it no longer does. Each is the
    fixed point of a network that answers how much later the event is than a guess. Toe-off is first approached by a
    coarse network, which a far guess does not confuse. `Events.stance_sd_s` comes from four checks.

    Doubted: SD above 7 ms or outside the trained range (OUT_OF_RANGE); 40 ms away from every rule
    (CANDIDATES_DISAGREE). Differences to signals.md 3.3: (1) frame of one cycle instead of the whole run; (2) a 27 ms
    kernel for all windows; (3) no scalar inputs. Not validated: real pods against force plates, trails, sprinting.
    """

    before_s = RulesEstimator.before_s
    after_s = RulesEstimator.after_s

    def __init__(self, table: LearnedTable = DEFAULT_TABLE, rules: Rules = DEFAULT_RULES) -> None:
        self._table, self._rules = table, RulesEstimator(rules)
        self._weights = packed(
            EventNets(*(table.nets[name] for name in EventNets._fields)),
            others=(*table.stride_variance, *table.system_variance),
        )

    @property
    def method(self) -> str:
        return self._table.method

    def events(self, window: StrideWindow) -> Events | None:
        """The events of this stride, or None where there is no stride."""
        candidates = self._rules.candidates(window)
        if candidates is None:
            return None
        if not candidates.running:
            return self._rules.judged(window, candidates)
        contact, toe_off, next_contact, *sds_s = learned_times(
            window.accel_mps2,
            window.gyro_radps,
            window.swing0,
            window.swing1,
            smoothing_kernel(window.rate_hz),
            window.true_rate_hz,
            candidates.opening,
            candidates.next_opening,
            self._weights,
        )
        rate_hz, table = window.true_rate_hz, self._table
        doubt = Doubt(0)
        far = min(abs(toe_off - candidates.toe_off), abs(toe_off - candidates.bend))
        if max(far, abs(contact - candidates.contact)) > _DISAGREE_S * rate_hz:
            doubt |= Doubt.CANDIDATES_DISAGREE
        stance_sd_s, system_sd_s = sds_s
        trained = (
            table.stance_s.holds((toe_off - contact) / rate_hz)
            and table.stride_s.holds((next_contact - contact) / rate_hz)
            and table.swing_radps.holds(candidates.swing_peak_radps)
        )
        if stance_sd_s > DOUBTED_SD_S or not trained:
            doubt |= Doubt.OUT_OF_RANGE
        return Events(
            contact=contact - table.ic_offset_s * rate_hz,
            toe_off=toe_off - table.tc_offset_s * rate_hz,
            next_contact=next_contact - table.ic_offset_s * rate_hz,
            opening=candidates.opening,
            swing_peak_radps=candidates.swing_peak_radps,
            gait=Gait.RUN,
            stance_sd_s=stance_sd_s,
            stance_system_sd_s=system_sd_s,
            doubt=doubt,
        )


@compiled
def sd_s(variance: FloatArray, checks_s: FloatArray) -> float:
    """Error SD from the checks (4,): sqrt(a + sum of b check^2), each check counted up to 30 ms."""
    total = float(variance[0])
    for k in range(4):
        check_s = min(abs(float(checks_s[k])), CHECK_LIMIT_S)
        total += float(variance[k + 1]) * (check_s * check_s)
    return math.sqrt(total)


@compiled
def learned_times(
    accel: FloatArray,
    gyro: FloatArray,
    swing0: int,
    swing1: int,
    kernel: FloatArray,
    rate_hz: float,
    opening: float,
    following: float,
    weights: FloatArray,
) -> tuple[float, float, float, float, float]:
    """Contact, toe-off, next contact (positions), error SD of this stance and its part that stays with the leg, s.

    accel, gyro (n, 3) in shank axes; `opening`, `following`: the gyro's zero crossings; `weights`: `packed` nets with
    the two variances behind them.
    """
    step = GRID_S * rate_hz
    grid = sagittal(accel, gyro, swing0, swing1, kernel, step)
    origin = swing0 - GRID_BEFORE_S * rate_hz
    contact, at = unpacked(weights, 0)
    coarse, at = unpacked(weights, at)
    toe_off, at = unpacked(weights, at)
    contact_check, at = unpacked(weights, at)
    toe_off_check, at = unpacked(weights, at)
    nets = EventNets(contact, coarse, toe_off, contact_check, toe_off_check)
    guess = Guess((opening - origin) / step, (following - origin) / step, (swing1 - swing0) / step)
    found = timed(grid, guess, nets)
    checks_s = GRID_S * found[3:]
    stance_sd_s, system_sd_s = sd_s(weights[at : at + 5], checks_s), sd_s(weights[at + 5 :], checks_s)
    first, last, following = origin + step * found[0], origin + step * found[1], origin + step * found[2]
    return float(first), float(last), float(following), stance_sd_s, system_sd_s


@compiled
def sagittal(
    accel: FloatArray, gyro: FloatArray, swing0: int, swing1: int, kernel: FloatArray, step: float
) -> FloatArray:
    """(n, 3): forward and upward specific force, flexion rate, in the functional frame, smoothed, every `step` samples.

    The grid begins 0.1 s before the mid-swing `swing0` and ends 0.4 s after `swing1`.
    """
    frame = functional_frame(accel, gyro, swing0, swing1)
    first = swing0 - GRID_BEFORE_S / GRID_S * step - len(kernel) // 2
    count = int((swing1 - swing0) / step + (GRID_BEFORE_S + GRID_AFTER_S) / GRID_S)
    grid = np.empty((count, 3))
    turned = np.empty(accel.shape[0])
    for row in range(3):
        x = accel.T if row < 2 else gyro.T
        combine(turned, frame[row, 0], x[0], frame[row, 1], x[1], frame[row, 2], x[2])
        grid[:, row] = on_grid(smooth(turned, kernel, 1), first, step, count)
    return grid


@compiled
def timed(grid: FloatArray, guess: Guess, nets: EventNets) -> FloatArray:
    """Contact, toe-off and next contact on the grid, then the four checks, in grid steps (7,)."""
    contact = settle(grid, guess.opening + OPENING_TO_CONTACT_S / GRID_S, nets.contact, CONTACT_STEPS, SETTLED)
    toe_off = settle(grid, contact + STANCE_SHARE * guess.stride, nets.toe_off_coarse, COARSE_STEPS, NEAR)
    toe_off = settle(grid, toe_off, nets.toe_off, TOE_OFF_STEPS, SETTLED)
    out = np.empty(7)
    out[0], out[1] = contact, toe_off
    lag = contact - guess.opening  # the next contact comes as late after its zero crossing, or nearly
    out[2] = settle(grid, guess.following + lag, nets.contact, CONTACT_STEPS, SETTLED)
    out[3] = self_check(grid, contact, nets.contact)
    out[4] = self_check(grid, toe_off, nets.toe_off)
    out[5] = step_of(grid, contact, nets.contact_check)
    out[6] = step_of(grid, toe_off, nets.toe_off_check)
    return out
