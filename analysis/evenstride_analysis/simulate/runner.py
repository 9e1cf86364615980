"""The virtual runner: both shanks' signals with known truth, from a plan and a seed."""

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.simulate.plan import RunnerPlan, SensorPlan, TrueStride
from evenstride_analysis.simulate.render import ShankRenderer
from evenstride_analysis.simulate.sensor import NOISE_BLOCK, PodSensor
from evenstride_analysis.simulate.shapes import shape_table
from evenstride_analysis.simulate.timeline import Timeline
from evenstride_analysis.simulate.track import Track

_KEEP_BLOCKS = 4


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
        legs = Timeline(plan, table, self.style, rng, errors).legs
        self._truth = {side: leg.truth for side, leg in legs.items()}
        self._shanks = {side: ShankRenderer(side, leg, table, track) for side, leg in legs.items()}
        self._pods = {side: PodSensor(side, self.sensor, seed) for side in Side}
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
        """Acceleration (n, 3) in m/s2 and angular velocity (n, 3) in rad/s in sensor axes, from sample first_index."""
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

    def rotation(self, side: Side) -> tuple[float, ...]:
        """Sensor axes to shank axes, nine numbers, row-major: what an assignment or a detector is to be told."""
        return self._pods[side].sensor_to_shank

    def heading_rad(self, t_s: FloatArray) -> FloatArray:
        """True heading (n,), growing to the left."""
        return self._track.heading_rad(t_s)

    def _block(self, side: Side, block: int) -> FloatArray:
        held = self._blocks.get((side, block))
        if held is None:
            t_s = (block * NOISE_BLOCK + np.arange(NOISE_BLOCK)) / self.sensor.true_rate_hz
            held = self._pods[side].measure(block, t_s, self._shanks[side](t_s))
            self._blocks[side, block] = held
            if len(self._blocks) > _KEEP_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
        return held
