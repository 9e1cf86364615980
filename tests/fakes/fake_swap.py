"""A FAKE swap-legs test for tests of its page: phases and counts are set by the test, actions are written down."""

from dataclasses import replace

from evenstride_gateway.web.port import SessionConflictError
from evenstride_gateway.web.swap import SwapPhase, SwapState


class FakeSwap:
    """Implements SwapPort."""

    def __init__(self) -> None:
        self.now = SwapState(left_pod="E4A1-07", right_pod="E4A1-12")
        self.asked: list[str] = []
        self.refuse = ""

    def state(self) -> SwapState:
        return self.now

    def ran(self, pairs: int) -> None:
        """So many pairs of the run that goes on are done."""
        to_go = max(0, self.now.target - pairs)
        phase = self.now.phase
        if to_go == 0:
            phase = SwapPhase.SWAP if phase is SwapPhase.FIRST else SwapPhase.DONE
        self.now = replace(self.now, to_go=to_go, phase=phase)

    async def begin(self, runner: str) -> None:
        self._act(f"begin {runner}")
        self.now = replace(self.now, phase=SwapPhase.FIRST, runner=runner, to_go=self.now.target)

    async def swapped(self) -> None:
        self._act("swapped")
        self.now = replace(
            self.now,
            phase=SwapPhase.SECOND,
            to_go=self.now.target,
            left_pod=self.now.right_pod,
            right_pod=self.now.left_pod,
        )

    async def cancel(self) -> None:
        self._act("cancel")
        self.now = replace(self.now, phase=SwapPhase.IDLE, to_go=self.now.target, result=())

    def _act(self, what: str) -> None:
        if self.refuse:
            raise SessionConflictError(self.refuse)
        self.asked.append(what)
