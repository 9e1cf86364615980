"""Signals of one shank in its own axes, at any times, from the nodes of its timeline."""

import numpy as np

from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.simulate.plan import Doing
from evenstride_analysis.simulate.shapes import GRID, MIRROR, PITCH, ShapeTable, standing, waveform
from evenstride_analysis.simulate.shocks import PULSE_TOP, WINDOW_S, low_passed, pulse
from evenstride_analysis.simulate.timeline import Leg, Node
from evenstride_analysis.simulate.track import Track
from evenstride_analysis.units import STANDARD_GRAVITY_MPS2 as G

_PULSE_DELAY_S = 0.003  # after the crossing of 1 g, which a 60 Hz low-pass would otherwise move
_FIT_STEP_S = 0.001
_FIT_FROM_S, _FIT_TO_S = -0.064, 0.192  # around contact: the window and room for the filter
_KEEP = 8  # waveforms of the newest strides
_PHASES = np.arange(GRID + 1) / GRID
_BLEND = _PHASES**2 * (3 - 2 * _PHASES)


class ShankRenderer:
    """Renders one leg. Every value depends on its time alone, never on what was asked before."""

    def __init__(self, side: Side, leg: Leg, table: ShapeTable, track: Track) -> None:
        self._mirror = np.ones(6) if side is Side.RIGHT else MIRROR
        self._leg, self._table, self._track = leg, table, track
        self._waves: dict[int, FloatArray] = {}
        self._pulses: dict[int, tuple[float, float]] = {}
        self._standing = standing()

    def __call__(self, t_s: FloatArray) -> FloatArray:
        """Specific force (m/s2) and angular velocity (rad/s) (n, 6) in shank axes at increasing times (n,)."""
        phase, rate = self._leg.warp(t_s)
        number = np.clip(np.floor(phase).astype(int), 0, len(self._leg.nodes) - 2)
        position = (phase - number) * GRID
        out = np.empty((len(t_s), 7))
        for k in range(int(number[0]), int(number[-1]) + 1):
            rows = slice(*np.searchsorted(number, [k, k + 1]))
            if rows.start == rows.stop:
                continue
            if self._leg.nodes[k].shape is None and self._leg.nodes[k + 1].shape is None:
                out[rows] = self._standing[0]
                continue
            here = self._wave(k)
            mixed = here + _BLEND[:, None] * (self._wave(k + 1) - here)
            low = np.clip(position[rows].astype(int), 0, GRID - 1)
            weight = np.clip(position[rows] - low, 0.0, 1.0)[:, None]
            out[rows] = mixed[low] * (1 - weight) + mixed[low + 1] * weight
            self._add_pulse(k, t_s[rows], out[rows])
        out[:, 3:6] *= rate[:, None]
        signal = out[:, :6] * self._mirror
        if self._track.on_track:
            yaw = self._track.yaw_rate_radps(t_s)
            signal[:, 3] += yaw * np.sin(out[:, PITCH])
            signal[:, 4] += yaw * np.cos(out[:, PITCH])
        return signal

    def _wave(self, k: int) -> FloatArray:
        """The waveform that belongs to node k, with its own deviation from the mean."""
        held = self._waves.get(k)
        if held is None:
            held = self._make_wave(self._leg.nodes[k])
            self._waves[k] = held
            if len(self._waves) > _KEEP:
                del self._waves[next(iter(self._waves))]
        return held

    def _make_wave(self, node: Node) -> FloatArray:
        if node.shape is None:
            return self._standing
        harmonics = node.shape.harmonics
        if node.doing is Doing.RUN:
            harmonics = harmonics.copy()
            varied = self._table.variation
            harmonics[:, : varied.shape[2]] += np.tensordot(node.scores, varied, axes=1)
        return waveform(harmonics, node.shape.lean_rad)

    def _add_pulse(self, k: int, t_s: FloatArray, out: FloatArray) -> None:
        node = self._leg.nodes[k]
        if node.impact_mps2 is None or node.shape is None:
            return
        held = self._pulses.get(k)
        if held is None:
            held = self._fit_pulse(k, node, node.impact_mps2)
            self._pulses[k] = held
            if len(self._pulses) > _KEEP:
                del self._pulses[next(iter(self._pulses))]
        start_s, size = held
        shock = size * pulse(t_s - start_s, node.impact_hz)
        out[:, 1] += shock
        out[:, 0] -= 0.35 * shock

    def _fit_pulse(self, k: int, node: Node, target_mps2: float) -> tuple[float, float]:
        """Start and size of the pulse that brings the 60 Hz axial peak in the first 80 ms to the planted value.

        Its top lies on the waveform's own peak, so that the shock grows where it is; it starts after the waveform
        passes 1 g on its way up, so that the crossing stays where it was.
        """
        strike_s = float(self._leg.strike_s[k])
        t_s = strike_s + np.arange(_FIT_FROM_S, _FIT_TO_S, _FIT_STEP_S)
        phase = self._leg.warp(t_s)[0]
        axial = np.interp(np.mod(phase, 1.0), _PHASES, self._wave(k)[:, 1])
        first = round(-_FIT_FROM_S / _FIT_STEP_S)
        stop = first + round(WINDOW_S / _FIT_STEP_S)
        top = first + int(np.argmax(axial[first : stop - 1]))
        below = np.flatnonzero(axial[:top] < G)
        last = int(below[-1]) if len(below) else first
        rise = axial[last + 1] - axial[last]
        start_s = float(t_s[last]) + (_FIT_STEP_S * float((G - axial[last]) / rise) if len(below) else 0.0)
        start_s = max(start_s + _PULSE_DELAY_S, float(t_s[top]) - PULSE_TOP / node.impact_hz)
        smooth = low_passed(axial)[first:stop]
        shock = low_passed(pulse(t_s - start_s, node.impact_hz))[first:stop]
        low, high = -target_mps2, 4.0 * target_mps2
        for _ in range(30):
            size = 0.5 * (low + high)
            if float(np.max(smooth + size * shock)) < target_mps2:
                low = size
            else:
                high = size
        return start_s, 0.5 * (low + high)
