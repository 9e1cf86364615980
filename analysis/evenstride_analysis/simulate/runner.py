"""The virtual runner: both shanks' signals with known truth, from a plan and a seed."""

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.simulate.plan import RunnerPlan, SensorPlan, TrueStride
from evenstride_analysis.simulate.render import ShankRenderer
from evenstride_analysis.simulate.sensor import NOISE_BLOCK, PodSensor
from evenstride_analysis.simulate.shapes import shape_table
from evenstride_analysis.simulate.shocks import TrueShock, true_shock
from evenstride_analysis.simulate.timeline import Timeline
from evenstride_analysis.simulate.track import Track
from evenstride_analysis.simulate.wearing import Wearing

_KEEP_BLOCKS = 4
_COAST_S = 2.0  # from running to a stand


class VirtualRunner:
    """A runner with two pods. Same plan, sensor and seed: same bits, however the samples are asked for.

    Sample k of either pod is taken at k / sensor.true_rate_hz runner seconds. After `duration_s` the runner coasts to a
    stand, and stands for ever. Raises InputError for a plan that cannot be run.
    """

    def __init__(self, plan: RunnerPlan, sensor: SensorPlan | None = None, seed: int = 1) -> None:
        if not 0 <= seed < 2**63:
            raise InputError(f"seed {seed}: an integer from 0 was expected")
        self.plan, self.sensor, self.seed = plan, sensor or SensorPlan(), seed
        table = shape_table()
        rng = np.random.Generator(np.random.Philox(key=np.array([seed, 0], np.uint64)))
        drawn = int(rng.integers(len(table.styles)))
        self.style = drawn if plan.style is None else plan.style
        if not 0 <= self.style < len(table.styles):
            raise InputError(f"style {self.style}: 0 to {len(table.styles) - 1} was expected")
        left, right = table.leg_errors[int(rng.integers(len(table.leg_errors)))]
        errors = {Side.LEFT: left, Side.RIGHT: right} if self.sensor.system_error else None
        track = Track(plan)
        swap_s = self.sensor.swap_at_s
        if swap_s is not None and not (plan.stands_at(swap_s) and plan.stands_at(swap_s - _COAST_S)):
            raise InputError(f"pods are swapped at {swap_s} s: the runner must have stood for {_COAST_S} s then")
        legs = Timeline(plan, table, self.style, rng, errors=errors, sensor=self.sensor).legs
        self._truth = {side: leg.truth for side, leg in legs.items()}
        self._shanks = {side: ShankRenderer(side, leg, table, track) for side, leg in legs.items()}
        self._pods = {side: PodSensor(side, self.sensor, seed) for side in Side}
        worn = self.sensor
        self._wearing = {
            Side.LEFT: Wearing(worn.misalignment_left_rad, worn.strap_left, worn.slip_left, worn.true_rate_hz),
            Side.RIGHT: Wearing(worn.misalignment_right_rad, worn.strap_right, worn.slip_right, worn.true_rate_hz),
        }
        self._blocks: dict[tuple[Side, int], FloatArray] = {}
        self._track = track

    @property
    def duration_s(self) -> float:
        return self.plan.duration_s

    @property
    def period_s(self) -> float:
        """True time between samples."""
        return 1.0 / self.sensor.true_rate_hz

    def signals(self, side: Side, first_index: int, n: int) -> tuple[FloatArray, FloatArray]:
        """Acceleration (n, 3) in m/s2 and angular velocity (n, 3) in rad/s in sensor axes, from sample first_index.

        Of the pod that starts on `side`; after a swap it sits on the other leg.
        """
        if first_index < 0 or n < 0:
            raise InputError(f"samples from {first_index}, {n} of them: numbers from 0 were expected")
        out = np.empty((n, 6))
        done = 0
        while done < n:
            block, offset = divmod(first_index + done, NOISE_BLOCK)
            piece = self._block(side, block)[offset : offset + n - done]
            out[done : done + len(piece)] = piece
            done += len(piece)
        return out[:, :3].copy(), out[:, 3:].copy()

    def truth(self, side: Side) -> list[TrueStride]:
        """The planted strides in time order; the last contact before each stand has no stride."""
        return list(self._truth[side])

    def shocks(self, side: Side) -> list[TrueShock]:
        """The shock of every running stride of `truth`, in its order: of the shank, whatever the pod makes of it."""
        running = [stride for stride in self._truth[side] if stride.impact_axial_mps2 is not None]
        return [true_shock(stride.strike_s, self._shanks[side]) for stride in running]

    def rotation(self, side: Side, t_s: float = 0.0) -> tuple[float, ...]:
        """Sensor axes to shank axes of the pod on this leg at a time, nine numbers, row-major: what an assignment or a
        detector is to be told."""
        return tuple(float(v) for v in self._wearing[side].sensor_to_shank(t_s).ravel())

    def heading_rad(self, t_s: FloatArray) -> FloatArray:
        """True heading (n,), growing to the left."""
        return self._track.heading_rad(t_s)

    def _block(self, side: Side, block: int) -> FloatArray:
        held = self._blocks.get((side, block))
        if held is None:
            t_s = (block * NOISE_BLOCK + np.arange(NOISE_BLOCK)) / self.sensor.true_rate_hz
            held = self._pods[side].measure(block, t_s, self._felt(side, block, t_s))
            self._blocks[side, block] = held
            if len(self._blocks) > _KEEP_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
        return held

    def _felt(self, pod: Side, block: int, t_s: FloatArray) -> FloatArray:
        """What acts on a pod (n, 6), in its own axes; in the block of a swap both legs take part, both standing."""
        swap_s = self.sensor.swap_at_s
        if swap_s is None or t_s[-1] < swap_s:
            return self._on_leg(pod, block, t_s)
        after = self._on_leg(pod.other, block, t_s)
        if t_s[0] >= swap_s:
            return after
        return np.where((t_s >= swap_s)[:, None], after, self._on_leg(pod, block, t_s))

    def _on_leg(self, leg: Side, block: int, t_s: FloatArray) -> FloatArray:
        wearing = self._wearing[leg]
        if not wearing.history:
            return wearing(t_s, self._shanks[leg](t_s))
        index = block * NOISE_BLOCK + np.arange(-wearing.history, NOISE_BLOCK)
        return wearing(t_s, self._shanks[leg](index / self.sensor.true_rate_hz))
