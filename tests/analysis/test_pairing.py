from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recordings import rbds_trial
from support.steps import made_stride

from evenstride_analysis.accuracy import detect
from evenstride_analysis.errors import InputError
from evenstride_analysis.model import Gait, Side, Step, Stride
from evenstride_analysis.pairing import Pairing

Fed = tuple[Side, Stride]
BOUND_S = 0.001


def feed(fed: list[Fed], *, pairing: Pairing | None = None, bound_s: float = BOUND_S) -> list[Step]:
    pairing = pairing or Pairing()
    steps = [step for side, stride in fed for step in pairing.push(side, stride, stride.strike_s, bound_s)]
    return steps + pairing.flush()


def made(n: int) -> dict[Side, list[Stride]]:
    """Two legs with a hole in the left one and a walking part at the end."""
    legs: dict[Side, list[Stride]] = {}
    for side, phase in ((Side.LEFT, 0.0), (Side.RIGHT, 0.35)):
        strides = [made_stride(phase + 0.7 * k, gait=Gait.RUN if k < n - 10 else Gait.WALK) for k in range(n)]
        legs[side] = strides if side is Side.RIGHT else strides[:20] + strides[24:]
    return legs


def by_time(legs: dict[Side, list[Stride]]) -> list[Fed]:
    return sorted(((side, stride) for side, strides in legs.items() for stride in strides), key=lambda f: f[1].strike_s)


@given(st.data())
def test_any_interleaving_gives_the_same_steps(data: st.DataObject) -> None:
    legs = made(60)
    expected = feed(by_time(legs))
    assert [step.t_s for step in expected] == sorted(step.t_s for step in expected)
    order = data.draw(st.permutations([Side.LEFT] * len(legs[Side.LEFT]) + [Side.RIGHT] * len(legs[Side.RIGHT])))
    queues = {side: iter(strides) for side, strides in legs.items()}
    assert feed([(side, next(queues[side])) for side in order]) == expected


@pytest.mark.parametrize("late", list(Side))
def test_one_leg_a_minute_late(late: Side) -> None:
    legs = made(300)

    def arrival_s(fed: Fed) -> float:
        return fed[1].strike_s + (60.0 if fed[0] is late else 0.0)

    assert feed(sorted(by_time(legs), key=arrival_s)) == feed(by_time(legs))


def test_a_silent_leg_is_waited_for_and_then_given_up() -> None:
    pairing = Pairing(wait_s=5.0)
    given_out = [
        (stride.strike_s, step.t_s)
        for stride in made(40)[Side.RIGHT]
        for step in pairing.push(Side.RIGHT, stride, stride.strike_s, BOUND_S)
    ]
    assert given_out
    assert all(5.0 < now_s - t_s < 7.5 for now_s, t_s in given_out)


def test_alternation_gait_and_flight() -> None:
    steps = feed(by_time(made(60)))
    hole = [step for step in steps if step.side is Side.RIGHT and not step.alternates]
    assert [step.t_s for step in hole[:4]] == pytest.approx([0.35 + 0.7 * k for k in (19, 20, 21, 22)])
    flights = [step.flight_s for step in steps if step.gait is Gait.RUN and step.alternates]
    assert flights
    assert all(flight_s == pytest.approx(0.1, abs=1e-9) for flight_s in flights)
    assert all(step.flight_s is None for step in steps if step.gait is Gait.WALK or not step.alternates)


def test_a_stride_that_runs_beside_a_walking_leg_does_not_count_as_running() -> None:
    legs = made(30)
    legs[Side.LEFT][5] = replace(legs[Side.LEFT][5], gait=Gait.WALK)
    steps = feed(by_time(legs))
    around = [step.gait for step in steps if abs(step.t_s - legs[Side.LEFT][5].strike_s) < 0.5]
    assert around == [Gait.WALK] * 3


def test_flight_is_withheld_when_the_clocks_bound_is_too_wide() -> None:
    assert all(step.flight_s is None for step in feed(by_time(made(30)), bound_s=0.006))


def test_strides_out_of_order_are_refused() -> None:
    pairing = Pairing()
    pairing.push(Side.LEFT, made_stride(5.0), 5.0, BOUND_S)
    with pytest.raises(InputError, match="in order"):
        pairing.push(Side.LEFT, made_stride(4.0), 4.0, BOUND_S)


def test_a_real_runner_alternates_and_flies() -> None:
    trial = rbds_trial("RBDS001_T35")
    steps = feed(by_time({side: detect(leg) for side, leg in trial.legs.items()}))
    inner = [step for step in steps if 2.0 < step.t_s < 27.0]
    assert all(step.alternates and step.gait is Gait.RUN for step in inner)
    flights = [step.flight_s for step in inner if step.flight_s is not None]
    assert len(flights) == len(inner)
    assert all(0.05 < flight_s < 0.2 for flight_s in flights)
