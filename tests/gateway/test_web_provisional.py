"""Provisional strides on the page: there at once, marked, replaced by their final stride, in no verdict."""

import asyncio
import json
from typing import Any

from fakes.fake_gateway import POD, STRIDE_S, stride, symmetry

from evenstride_analysis.model import Doubt, ProvisionalStride, Side, Verdict
from evenstride_gateway.web.hub import Hub
from evenstride_gateway.web.view import LiveView


def final(view: LiveView, n: int, *, stance_s: float = 0.24, side: Side = Side.LEFT, **other: Any) -> None:
    strike_s = n * STRIDE_S
    view.on_stride(side, stride(side, n, strike_s, stance_s=stance_s, impact_g=8.0, **other), strike_s)


def early(
    view: LiveView, n: int, *, stance_s: float = 0.25, side: Side = Side.LEFT, off: int = 2, boot: int = 1
) -> None:
    """`off`: samples between its strike and that of its final stride."""
    strike_s = n * STRIDE_S + off / 208.0
    made = ProvisionalStride(
        pod_id=POD[side],
        boot_id=boot,
        strike_index=n * 300 + off,
        strike_s=strike_s,
        toe_off_s=strike_s + stance_s,
        decided_s=strike_s + stance_s + 0.05,
        method="learned-1",
        doubt=Doubt(0),
    )
    view.on_provisional(side, made, strike_s)


def left(board: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return board["legs"][Side.LEFT], board["strips"][Side.LEFT]


def test_it_is_shown_at_once_and_marked() -> None:
    view = LiveView()
    final(view, 1)
    view.delta(2.0)
    early(view, 2)
    leg, strip = left(view.delta(2.0))
    assert (leg["stance_ms"], leg["provisional"], leg["n_strides"]) == (250.0, True, 1)
    assert (leg["stance_mean_ms"], leg["n_mean"], leg["impact_axial_g"]) == (240.0, 1, 8.0)
    assert (strip["stance_ms"], strip["provisional"]) == ([250.0], [True])
    assert (strip["stance_mean_ms"], strip["impact_axial_g"]) == ([None], [None])
    json.dumps(view.snapshot(2.0), allow_nan=False)


def test_its_final_stride_takes_its_place_and_its_number() -> None:
    view = LiveView()
    for n in (1, 2):
        early(view, n)
    first, second = left(view.delta(2.0))[1]["n"]
    final(view, 1)
    leg, strip = left(view.delta(2.0))
    assert (strip["n"], strip["stance_ms"], strip["provisional"]) == ([first], [240.0], [False])
    assert (leg["stance_ms"], leg["provisional"], leg["n_strides"]) == (250.0, True, 1)  # the second one is newer
    final(view, 2)
    leg, strip = left(view.delta(2.5))
    assert strip["n"] == [second]
    assert (leg["stance_ms"], leg["provisional"], leg["n_strides"]) == (240.0, False, 2)
    assert left(view.snapshot(2.5))[1]["provisional"] == [False, False]


def test_one_that_gets_no_final_stride_is_taken_back() -> None:
    view = LiveView()
    early(view, 1)
    early(view, 2)
    lost, kept = left(view.delta(2.0))[1]["n"]
    final(view, 2)  # the first stride was not whole
    strip = left(view.delta(2.0))[1]
    assert dict(zip(strip["n"], strip["stance_ms"], strict=True)) == {lost: None, kept: 240.0}
    assert left(view.snapshot(2.0))[1]["n"] == [kept]
    assert left(view.delta(2.0))[1]["n"] == []


def test_one_of_an_older_boot_is_taken_back() -> None:
    view = LiveView()
    early(view, 5)
    final(view, 1, boot_id=2)
    assert left(view.snapshot(5.0))[1]["provisional"] == [False]


def test_it_comes_too_late_when_its_stride_is_there() -> None:
    view = LiveView()
    final(view, 2)
    early(view, 2)
    early(view, 1)
    assert left(view.snapshot(3.0))[1]["stance_ms"] == [240.0]


def test_no_cadence_no_age_of_a_verdict_and_no_mean_rest_on_it() -> None:
    view = LiveView()
    for side in Side:
        early(view, 1, side=side)
    view.on_symmetry(symmetry(Verdict.REAL, 0.05))
    board = view.snapshot(1.2)
    assert (board["cadence_spm"], board["gait"], board["balance"]["age_s"]) == (None, None, None)
    assert (left(board)[0]["stance_mean_ms"], left(board)[0]["n_strides"]) == (None, 0)
    for side in Side:
        final(view, 1, side=side)
        early(view, 20, side=side)
    board = view.snapshot(20 * STRIDE_S + 0.4)
    assert board["balance"]["age_s"] > 12.0
    assert board["cadence_spm"] is None
    assert left(board)[0]["age_s"] < 0.5


def test_it_goes_with_its_pod_to_the_other_leg() -> None:
    view = LiveView()
    final(view, 1)
    early(view, 2)
    view.on_legs({POD[Side.LEFT]: Side.RIGHT})
    final(view, 2, side=Side.RIGHT, pod_id=POD[Side.LEFT])
    strip = view.snapshot(3.0)["strips"][Side.RIGHT]
    assert (strip["stance_ms"], strip["provisional"]) == ([240.0, 240.0], [False, False])
    assert len(set(strip["n"])) == 2


def test_the_hub_sends_it_and_then_its_final_stride() -> None:
    async def scenario() -> None:
        view = LiveView()
        hub = Hub(snapshot=lambda: view.snapshot(2.0), delta=lambda: view.delta(2.0))
        with hub.join() as viewer:
            await viewer.next()
            for tell in (early, final):
                tell(view, 1)
                hub.publish()
                piece = await viewer.next()
                assert piece is not None
                strip = json.loads(piece.decode().split("data: ")[1])["strips"]["left"]
                assert (strip["n"], strip["provisional"]) == ([1], [tell is early])

    asyncio.run(scenario())
