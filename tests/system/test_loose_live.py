"""A loose strap through radio, gateway and page: no verdict while it happens, none afterwards, and both say why."""

import asyncio
from pathlib import Path

from support.whole_gateway import balanced, gateway_run, play

from evenstride_analysis.model import Measure, Side, Verdict
from evenstride_analysis.simulate.presets import loose
from evenstride_gateway.report import render_html
from evenstride_gateway.reporting import report_data
from evenstride_gateway.virtual.pod_signal import NOMINAL_RATE_HZ, RecordingSource

SECONDS = 60.0


def test_a_loose_strap_is_said_while_it_happens_and_afterwards(tmp_path: Path) -> None:
    runner = loose(12.0, damping=0.15, duration_s=SECONDS).runner(3)
    n = round(SECONDS * NOMINAL_RATE_HZ)
    signals = {side: RecordingSource(*runner.signals(side, 0, n), NOMINAL_RATE_HZ) for side in Side}

    async def scenario() -> None:
        async with gateway_run(tmp_path, signals=signals) as run:
            await run.until(lambda: all(run.streams(pod) for pod in run.world.pods.values()))
            await run.start()
            await run.play(45.0)
            board = run.gateway.view.snapshot(asyncio.get_running_loop().time())
            for found in (board["balance"], board["impact"]):
                assert found["verdict"] == Verdict.NOT_MEASURABLE
                assert found["left_percent"] is None
                assert found["detail"].startswith("loose: ")
                assert "of the left leg's strides (the pod moves on the leg)" in found["detail"]
            books = balanced(await run.stop())
            last = [p.symmetry for p in run.store.symmetry(books.session_id) if p.symmetry.measure is Measure.STANCE][
                -1
            ]
            assert (last.verdict, last.index) == (Verdict.NOT_MEASURABLE, None)
            data = report_data(run.store, books.session_id, run.gateway.config.symmetry, version="test")
            assert "No verdict: a pod sat loose on the leg." in render_html(data)

    play(scenario())
