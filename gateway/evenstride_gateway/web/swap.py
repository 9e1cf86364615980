"""The swap-legs test on the page: its state, its words, its actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Request
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from evenstride_analysis import units
from evenstride_analysis.conversions import sees_well
from evenstride_analysis.model import Measure, Verdict
from evenstride_analysis.swap import TARGET_PAIRS, SwapPart, SwapTest


class SwapPhase(StrEnum):
    IDLE = "idle"
    FIRST = "first"  # runs, pods as they are
    SWAP = "swap"  # stands, pods are exchanged
    SECOND = "second"  # runs, pods exchanged
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapLine:
    """One finding, ready to be read."""

    verdict: Verdict
    headline: Annotated[str, Field(description="the finding in words")]
    detail: Annotated[str, Field(description="its number with the 95 % interval, or why there is none")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapState:
    """Where the test stands. `to_go` counts pairs of strides, left and right, in the run that goes on."""

    phase: SwapPhase = SwapPhase.IDLE
    runner: str = ""
    target: int = TARGET_PAIRS
    to_go: int = TARGET_PAIRS
    left_pod: Annotated[str, Field(description="pod that sits on the left leg now; empty = none")] = ""
    right_pod: Annotated[str, Field(description="pod that sits on the right leg now; empty = none")] = ""
    problem: Annotated[str, Field(description="what stands in the way, in plain words; empty = nothing")] = ""
    sessions: Annotated[tuple[str, ...], Field(description="ids of the sessions recorded for it")] = ()
    result: tuple[SwapLine, ...] = ()


class SwapPort(Protocol):
    """The test as the page sees it. Actions raise SessionConflictError or LegTakenError when they cannot be done."""

    def state(self) -> SwapState: ...

    async def begin(self, runner: str) -> None:
        """Record the first run."""
        ...

    async def swapped(self) -> None:
        """The pods sit on their other legs now: record the second run."""
        ...

    async def cancel(self) -> None:
        """Stop the test; what was recorded stays stored."""
        ...


class BeginRequest(BaseModel):
    """Who runs."""

    model_config = ConfigDict(extra="forbid")
    runner: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$"),
        Field(description="the runner's name, 1 to 80 characters"),
    ]


def swap_routes(
    port: SwapPort,
    templates: Jinja2Templates,
    *,
    version: str,
    coach_only: Any,
    answers: dict[int | str, dict[str, Any]],
) -> APIRouter:
    """The page and the API of the test. `coach_only` guards every action, `answers` documents its refusals."""
    router = APIRouter()

    @router.get("/swap-test", include_in_schema=False)
    async def page(request: Request) -> Response:
        return templates.TemplateResponse(request, "swap.html", {"version": version, "target": TARGET_PAIRS})

    @router.get("/api/swap-test")
    async def state() -> SwapState:
        """Where the swap-legs test stands."""
        return port.state()

    @router.post("/api/swap-test/begin", dependencies=[coach_only], responses=answers)
    async def begin(wanted: BeginRequest) -> SwapState:
        """Record the first run of a swap-legs test."""
        await port.begin(wanted.runner)
        return port.state()

    @router.post("/api/swap-test/swapped", dependencies=[coach_only], responses=answers)
    async def swapped() -> SwapState:
        """The pods have changed legs: record the second run."""
        await port.swapped()
        return port.state()

    @router.post("/api/swap-test/cancel", dependencies=[coach_only], responses=answers)
    async def cancel() -> SwapState:
        """Stop the test. What was recorded stays stored."""
        await port.cancel()
        return port.state()

    return router


def swap_words(tests: Sequence[SwapTest]) -> tuple[SwapLine, ...]:
    """What the tests say, the body's part first. Legs and pods get a line each; a refusal is one line."""
    lines: list[SwapLine] = []
    for test in tests:
        if test.body is None or test.sensor is None:
            what = "Stance time" if test.measure is Measure.STANCE else "Impact"
            lines.append(
                SwapLine(verdict=Verdict.NOT_MEASURABLE, headline=f"{what}: not measurable", detail=test.reason)
            )
            continue
        lines.append(_body_line(test.measure, test.body))
        lines.append(_pod_line(test, test.sensor))
    return tuple(lines)


def _body_line(measure: Measure, part: SwapPart) -> SwapLine:
    leg = "left" if part.index > 0 else "right"
    what = f"The {leg} leg {_does(measure)}"
    even = (
        "the legs are even, within noise"
        if sees_well(part.low, part.high)
        else "no difference between the legs seen (only a large one could be)"
    )
    headline = {
        Verdict.REAL: f"{what}, whichever pod it wears",
        Verdict.POSSIBLE: f"{what}, possibly, whichever pod it wears",
    }.get(part.verdict, f"{_thing(measure)}: {even}")
    return SwapLine(verdict=part.verdict, headline=headline, detail=f"stays with the leg: {_figures(part, leg)}")


def _pod_line(test: SwapTest, part: SwapPart) -> SwapLine:
    pod = test.first_left if part.index > 0 else test.first_right
    what = f"Pod {pod} reads {'longer' if test.measure is Measure.STANCE else 'harder'} on either leg"
    agree = (
        "the pods agree, within noise"
        if sees_well(part.low, part.high)
        else "no difference between the pods seen (only a large one could be)"
    )
    headline = {
        Verdict.REAL: what,
        Verdict.POSSIBLE: f"{what}, possibly",
    }.get(part.verdict, f"{_thing(test.measure)}: {agree}")
    return SwapLine(
        verdict=part.verdict, headline=headline, detail=f"moves with the pod: {_figures(part, f'pod {pod}')}"
    )


def _figures(part: SwapPart, larger: str) -> str:
    sign = 1.0 if part.index > 0 else -1.0
    low, high = sorted(units.percent_from_fraction(sign * end) for end in (part.low, part.high))
    return (
        f"{units.percent_from_fraction(abs(part.index)):.1f} % more on {larger}"
        f" (95 % interval {low:.1f} to {high:.1f} %)"
    ).replace("-", "−")


def _does(measure: Measure) -> str:
    return "stays longer on the ground" if measure is Measure.STANCE else "lands harder"


def _thing(measure: Measure) -> str:
    return "Stance time" if measure is Measure.STANCE else "Impact"
