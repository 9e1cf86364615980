"""The events of both legs, laid out for the whole run before the first sample."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evenstride_analysis.errors import InputError
from evenstride_analysis.model import FloatArray, Gait, Side
from evenstride_analysis.simulate.plan import Doing, Part, RunnerPlan, SensorPlan, TrueStride
from evenstride_analysis.simulate.shapes import LegError, Shape, ShapeTable
from evenstride_analysis.simulate.shocks import CUTOFF_HZ, WINDOW_S
from evenstride_analysis.simulate.track import Track
from evenstride_analysis.simulate.warp import TOE_OFF_PHASE, PhaseWarp
from evenstride_analysis.units import mps2_from_g

FAR_S = 1e7  # the last stand lasts for ever
_SHORTEST_FLIGHT_S = 0.015
_OWN_PACE_S = 0.030  # around each event
_GUARDED = 0.8  # at most, of a stance or a swing: the rest takes up what is planted
_ABOVE_RECORDED = 1.15  # the recordings end at 40 Hz
_STEP_JITTER_S = 0.003  # with stride_cv it gives the right leg the stride variation of the left


@dataclass(slots=True, kw_only=True)
class Node:
    """A contact, or the begin of a stand: the waveform changes smoothly from one node to the next."""

    strike_s: float
    stance_s: float
    shape: Shape | None  # None = standing
    doing: Doing
    scores: FloatArray  # of the variation components
    impact_mps2: float | None  # planted axial peak; None = the shape's own
    impact_hz: float = 25.0
    part: int = 0


@dataclass(slots=True, kw_only=True)
class Leg:
    """Everything of one leg: nodes, the warp of its signal, where that has its contacts (nodes,), and the truth."""

    nodes: list[Node]
    strike_s: FloatArray
    warp: PhaseWarp
    truth: list[TrueStride]


def shape_of(table: ShapeTable, style: int, part: Part) -> Shape:
    """The shape of this part with its stride and stance times."""
    if part.doing is Doing.RUN:
        shape = table.run(style, part.speed_mps)
    else:
        slower = (table.walk.speed_mps / part.speed_mps) ** 0.5  # cadence grows with the root of walking speed
        shape = Shape(
            speed_mps=part.speed_mps,
            stride_s=table.walk.stride_s * slower,
            stance_s=table.walk.stance_s * slower,
            lean_rad=table.walk.lean_rad,
            harmonics=table.walk.harmonics,
        )
    stride_s = 120.0 / part.cadence_spm if part.cadence_spm else shape.stride_s
    stance_s = part.stance_s or shape.stance_s * stride_s / shape.stride_s
    return Shape(
        speed_mps=shape.speed_mps,
        stride_s=stride_s,
        stance_s=stance_s,
        lean_rad=shape.lean_rad,
        harmonics=shape.harmonics,
    )


def guarded_warp(nodes: list[Node], strike_s: FloatArray, toe_off_s: FloatArray) -> PhaseWarp:
    """The phase of one leg, at its shape's own pace near each event.

    A planted stance is thus made in mid-stance and mid-swing, and what a rule sees of an event does not depend on it.
    """
    paces: dict[int, PhaseWarp] = {}
    knots: list[tuple[float, float]] = []
    for k, node in enumerate(nodes[:-1]):
        strike, toe_off = float(strike_s[k]), float(toe_off_s[k])
        shape = node.shape
        if shape is None:
            knots += [(strike, float(k)), (toe_off, k + TOE_OFF_PHASE)]
            continue
        pace = paces.get(id(shape))
        if pace is None:
            steady = np.arange(3, dtype=np.float64) * shape.stride_s
            pace = paces[id(shape)] = PhaseWarp.through(steady, steady[:-1] + shape.stance_s)
        swing_s = min(
            strike - float(toe_off_s[k - 1]), float(strike_s[k + 1]) - toe_off, shape.stride_s - shape.stance_s
        )
        on_ground, in_air = (
            _OWN_PACE_S * min(1.0, _GUARDED * span / (2 * _OWN_PACE_S))
            for span in (min(toe_off - strike, shape.stance_s), swing_s)
        )
        strike_shifts = np.array([-in_air, 0.0, on_ground])
        toe_off_shifts = np.array([-on_ground, 0.0, in_air])
        strike_phases = pace(shape.stride_s + strike_shifts)[0] + (k - 1)
        toe_off_phases = pace(shape.stride_s + shape.stance_s + toe_off_shifts)[0] + (k - 1)
        knots += zip((strike + strike_shifts).tolist(), strike_phases.tolist(), strict=True)
        knots += zip((toe_off + toe_off_shifts).tolist(), toe_off_phases.tolist(), strict=True)
    knots.append((float(strike_s[-1]), float(len(strike_s) - 1)))
    table = np.array(knots)
    return PhaseWarp(table[:, 0], table[:, 1])


class Timeline:
    """Lays out strikes, stances and impacts of both legs. Deterministic in (plan, style, seed)."""

    def __init__(
        self,
        plan: RunnerPlan,
        table: ShapeTable,
        style: int,
        rng: np.random.Generator,
        *,
        errors: dict[Side, LegError] | None,
        sensor: SensorPlan | None = None,
    ) -> None:
        self._plan, self._table, self._rng = plan, table, rng
        self._track, self._sensor = Track(plan), sensor or SensorPlan()
        self._shapes = {id(part): shape_of(table, style, part) for part in plan.parts if part.doing is not Doing.STAND}
        self._impacts: dict[int, float] = {}
        first = len(plan.timed_parts()) - len(plan.parts)  # the standing start is no part of the plan
        self._part_number = {start_s: number - first for number, (start_s, _) in enumerate(plan.timed_parts())}
        nodes: dict[Side, list[Node]] = {side: [self._stand(-10.0)] for side in Side}
        for start_s, stop_s, parts in plan.moving_spans():
            self._lay_span(nodes, start_s, stop_s, parts)
        self.legs = {side: self._leg(side, held, errors[side] if errors else None) for side, held in nodes.items()}
        self._check_flight()

    def _stand(self, at_s: float) -> Node:
        return Node(strike_s=at_s, stance_s=0.3, shape=None, doing=Doing.STAND, scores=np.empty(0), impact_mps2=None)

    def _lay_span(
        self, nodes: dict[Side, list[Node]], start_s: float, stop_s: float, parts: list[tuple[float, Part]]
    ) -> None:
        """One stretch between two stands: the first and the last stride of each leg grow out of and into standing."""
        variation, cv = self._plan.variation, self._table.stride_cv

        begins = [begin_s for begin_s, _ in parts]

        def begin_of(t_s: float) -> float:
            return begins[bisect_right(begins, max(t_s, start_s)) - 1]

        of = dict(parts)

        def part_at(t_s: float) -> Part:
            return of[begin_of(t_s)]

        def stride_at(t_s: float) -> float:
            scatter = float(np.clip(self._rng.standard_normal(), -3, 3)) * cv * variation
            return self._shapes[id(part_at(t_s))].stride_s * (1 + scatter)

        left = [start_s + self._shapes[id(parts[0][1])].stride_s]
        while left[-1] < stop_s:
            left.append(left[-1] + stride_at(left[-1]))
        jitter = np.clip(self._rng.standard_normal(len(left)), -3, 3) * _STEP_JITTER_S * variation
        right = [0.5 * (a + b) + float(j) for a, b, j in zip(left, left[1:], jitter[1:], strict=False)]
        lead = left[0] - start_s
        for side, strikes in ((Side.LEFT, left), (Side.RIGHT, right)):
            if not strikes:
                continue
            nodes[side].append(self._stand(strikes[0] - lead))
            nodes[side] += [self._contact(side, t_s, part_at(t_s), begin_of(t_s)) for t_s in strikes]
            nodes[side].append(self._stand(strikes[-1] + lead))

    def _contact(self, side: Side, t_s: float, part: Part, begin_s: float) -> Node:
        plan, shape = self._plan, self._shapes[id(part)]
        sign = 0.5 if side is Side.LEFT else -0.5
        minutes = max(t_s - plan.standing_s, 0.0) / 60.0
        in_bend = bool(self._track.bend(np.array([t_s + 0.5 * shape.stride_s]))[0])
        index = plan.stance_asymmetry + plan.asymmetry_per_min * minutes + (plan.bend_asymmetry if in_bend else 0.0)
        draws = np.clip(self._rng.standard_normal(2 + len(self._table.variation)), -3, 3) * plan.variation
        stance_s = shape.stance_s * (1 + plan.stance_per_min * minutes) * (1 + sign * index)
        impact = None
        if part.doing is Doing.RUN:
            impact = mps2_from_g(part.impact_g) if part.impact_g else self._usual_impact(shape)
            impact *= (1 + sign * plan.impact_asymmetry) * (1 + self._table.impact_cv * float(draws[1]))
        return Node(
            strike_s=t_s,
            stance_s=stance_s * (1 + self._table.stance_cv * float(draws[0])),
            shape=shape,
            doing=part.doing,
            scores=draws[2:] if part.doing is Doing.RUN else 0 * draws[2:],
            impact_mps2=impact,
            impact_hz=part.impact_hz,
            part=self._part_number[begin_s],
        )

    def _usual_impact(self, shape: Shape) -> float:
        held = self._impacts.get(id(shape))
        if held is None:
            held = self._impacts[id(shape)] = usual_impact_mps2(shape)
        return held

    def _leg(self, side: Side, nodes: list[Node], error: LegError | None) -> Leg:
        """Truth from the nodes; the signal's own events are the truth plus the leg's system error, if there is one, and
        the error of the pod that sits there."""
        nodes.append(self._stand(FAR_S))
        for node, after in pairwise(nodes):
            if node.shape and after.shape and node.doing is Doing.WALK and after.doing is Doing.RUN:
                # the last walking stance, left as long as it was, would leave no time for the swing
                share = 0.5 * (node.stance_s / node.shape.stride_s + after.stance_s / after.shape.stride_s)
                node.stance_s = share * (after.strike_s - node.strike_s)
        strike = np.array([node.strike_s for node in nodes])
        width = np.diff(strike)
        stance = np.array([node.stance_s for node in nodes[:-1]])
        truth = [self._true_stride(node, after) for node, after in pairwise(nodes) if node.shape and after.shape]
        moving = np.array([node.shape is not None for node in nodes])
        toe_off = strike[:-1] + np.where(moving[:-1], stance, 0.35 * width)
        if error:
            strike = strike + np.where(moving, self._scatter(error.strike_bias_s, error.strike_sd_s, len(strike)), 0.0)
            late = self._scatter(error.toe_off_bias_s, error.toe_off_sd_s, len(toe_off))
            late = late + np.where(self._rng.random(len(toe_off)) < error.outlier_share, error.outlier_s, 0.0)
            toe_off = toe_off + np.where(moving[:-1], late, 0.0)
        pod_s = [self._sensor.stance_error_s(self._sensor.leg_of(side, node.strike_s)) for node in nodes[:-1]]
        toe_off = toe_off + np.where(moving[:-1], pod_s, 0.0)
        width = np.diff(strike)
        toe_off = np.clip(toe_off, strike[:-1] + 0.08 * width, strike[:-1] + 0.85 * width)
        return Leg(nodes=nodes, strike_s=strike, warp=guarded_warp(nodes, strike, toe_off), truth=truth)

    def _scatter(self, bias_s: float, sd_s: float, n: int) -> FloatArray:
        return bias_s + sd_s * np.clip(self._rng.standard_normal(n), -3, 3)

    def _true_stride(self, node: Node, after: Node) -> TrueStride:
        toe_off_s = node.strike_s + node.stance_s
        return TrueStride(
            strike_s=node.strike_s,
            toe_off_s=toe_off_s,
            end_s=after.strike_s,
            gait=Gait.RUN if node.doing is Doing.RUN else Gait.WALK,
            surface=self._track.surface(0.5 * (node.strike_s + after.strike_s)),
            impact_axial_mps2=node.impact_mps2,
            lap=self._track.lap(node.strike_s),
            settled=node.doing is after.doing,
            speed_mps=self._track.speed_mps(node.strike_s, after.strike_s),
            direction=self._track.direction,
            bend_share=self._track.bend_share(node.strike_s, after.strike_s) if self._track.on_track else 0.0,
            part=node.part,
        )

    def _check_flight(self) -> None:
        events = sorted(
            (stride.strike_s, stride.toe_off_s, stride.gait, stride.settled)
            for leg in self.legs.values()
            for stride in leg.truth
        )
        for (_, toe_off_s, gait, settled), (next_s, _, next_gait, _) in pairwise(events):
            if gait is next_gait is Gait.RUN and settled and next_s - toe_off_s < _SHORTEST_FLIGHT_S:
                raise InputError(
                    f"at {toe_off_s:.1f} s the planted stance leaves no flight before the other foot's contact: "
                    "less asymmetry, a shorter stance or a lower cadence was expected"
                )


def usual_impact_mps2(shape: Shape) -> float:
    """Axial peak that a real shank of this style would show: a little above that of the band-limited recording."""
    turns = np.arange(shape.harmonics.shape[1], dtype=np.float64)
    smooth = shape.harmonics[1] / (1 + (turns / shape.stride_s / CUTOFF_HZ) ** 4)
    angles = 2 * np.pi * np.arange(0.0, WINDOW_S, 0.001)[:, None] / shape.stride_s * turns
    wave = 2 * (np.cos(angles) @ smooth.real - np.sin(angles) @ smooth.imag) - smooth[0].real
    return _ABOVE_RECORDED * float(wave.max())
