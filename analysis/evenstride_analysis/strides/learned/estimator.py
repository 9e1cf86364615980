"""The events of a running stride by the learned networks; the rules are the start, the cross-check, and walking."""

import math

import numpy as np

from evenstride_analysis.compiled import compiled
from evenstride_analysis.filters import half_length
from evenstride_analysis.model import Doubt, FloatArray, Gait
from evenstride_analysis.strides.candidates import Candidates
from evenstride_analysis.strides.estimator import Events, RulesEstimator, StrideWindow
from evenstride_analysis.strides.learned.frame import functional_frame
from evenstride_analysis.strides.learned.nets import EventNets, Guess, self_check_s, settle, step_s
from evenstride_analysis.strides.learned.table import DEFAULT_TABLE, LearnedTable
from evenstride_analysis.strides.learned.windows import smoothed, smoothing_kernel
from evenstride_analysis.strides.rules import DEFAULT_RULES, Rules

DOUBTED_SD_S = 0.007  # strides whose error SD is larger are doubted: signals.md 3.3
OPENING_TO_CONTACT_S = 0.025  # the first guess of contact, after the gyro's zero crossing
STANCE_SHARE = 0.37  # the first guess of toe-off, in strides after contact
CONTACT_STEPS, COARSE_STEPS, TOE_OFF_STEPS = 8, 6, 9
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
        self._nets = EventNets(*(table.nets[name] for name in EventNets._fields))

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
        kernel = smoothing_kernel(window.rate_hz)
        margin = half_length(kernel)
        signals = sagittal(window.accel_mps2, window.gyro_radps, window.swing0, window.swing1, kernel)
        guess = Guess(
            opening=candidates.opening - margin,
            following=candidates.next_opening - margin,
            stride=float(window.swing1 - window.swing0),
        )
        found = timed(signals, window.true_rate_hz, guess, self._nets)
        found[:3] += margin
        return self._judged(window, candidates, found)

    def _judged(self, window: StrideWindow, candidates: Candidates, found: FloatArray) -> Events:
        contact, toe_off, next_contact = (float(at) for at in found[:3])
        checks_s = found[3:]
        rate_hz, table = window.true_rate_hz, self._table
        doubt = Doubt(0)
        far = min(abs(toe_off - candidates.toe_off), abs(toe_off - candidates.bend))
        if max(far, abs(contact - candidates.contact)) > _DISAGREE_S * rate_hz:
            doubt |= Doubt.CANDIDATES_DISAGREE
        stance_sd_s = sd_s(table.stride_variance, checks_s)
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
            stance_system_sd_s=sd_s(table.system_variance, checks_s),
            doubt=doubt,
        )


def sd_s(variance: tuple[float, ...], checks_s: FloatArray) -> float:
    """Error SD from the checks (4,): sqrt(a + sum of b check^2), each check counted up to 30 ms."""
    total = variance[0]
    for k in range(4):
        total += variance[k + 1] * min(abs(float(checks_s[k])), CHECK_LIMIT_S) ** 2
    return math.sqrt(total)


@compiled
def sagittal(accel: FloatArray, gyro: FloatArray, swing0: int, swing1: int, kernel: FloatArray) -> FloatArray:
    """(n - len(kernel) + 1, 3): forward and upward specific force, flexion rate, in the functional frame, smoothed."""
    frame = functional_frame(accel, gyro, swing0, swing1)
    signals = np.empty((accel.shape[0] - len(kernel) + 1, 3))
    for row in range(2):
        signals[:, row] = smoothed(
            frame[row, 0] * accel[:, 0] + frame[row, 1] * accel[:, 1] + frame[row, 2] * accel[:, 2], kernel
        )
    signals[:, 2] = smoothed(frame[2, 0] * gyro[:, 0] + frame[2, 1] * gyro[:, 1] + frame[2, 2] * gyro[:, 2], kernel)
    return signals


@compiled
def timed(signals: FloatArray, rate_hz: float, guess: Guess, nets: EventNets) -> FloatArray:
    """Positions of contact, toe-off and next contact, then the four checks in s (7,)."""
    ahead = OPENING_TO_CONTACT_S * rate_hz
    contact = settle(signals, guess.opening + ahead, rate_hz, nets.contact, CONTACT_STEPS)
    toe_off = settle(signals, contact + STANCE_SHARE * guess.stride, rate_hz, nets.toe_off_coarse, COARSE_STEPS)
    toe_off = settle(signals, toe_off, rate_hz, nets.toe_off, TOE_OFF_STEPS)
    out = np.empty(7)
    out[0], out[1] = contact, toe_off
    out[2] = settle(signals, guess.following + ahead, rate_hz, nets.contact, CONTACT_STEPS)
    out[3] = self_check_s(signals, contact, rate_hz, nets.contact)
    out[4] = self_check_s(signals, toe_off, rate_hz, nets.toe_off)
    out[5] = step_s(signals, contact, rate_hz, nets.contact_check)
    out[6] = step_s(signals, toe_off, rate_hz, nets.toe_off_check)
    return out
