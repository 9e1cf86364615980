"""The whole product in real time: a demo in its own process, a real browser on its page, start to report."""

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.browser import chromium

STRIDES_S = 40.0


@contextmanager
def demo(folder: Path) -> Generator[tuple[str, "subprocess.Popen[str]"], None, None]:
    """A running demo and its coach address; interrupted as with Ctrl-C at the end."""
    command = [sys.executable, "-m", "evenstride_gateway.cli", "demo", "--no-browser", "--port", "0"]
    process = subprocess.Popen([*command, "--data", str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = next(found.group() for line in process.stdout if (found := re.search(r"http://\S+token=\S+", line)))
        yield url, process
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


@pytest.mark.slow
@pytest.mark.browser
def test_a_coach_watches_stops_and_reads_the_report(tmp_path: Path) -> None:
    with chromium() as browser, demo(tmp_path) as (url, _):
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url)
        assert "token" not in page.url
        expect(page.locator("#rec-word")).to_have_text("Recording")
        expect(page.locator("#runner")).to_have_text("Demo Runner")
        for side in ("left", "right"):  # walking first, then running: a mean needs clean running strides
            digits = page.locator(f"#stance-{side}")
            expect(digits).to_have_text(re.compile(r"^[12]\d\d$"), timeout=1000 * STRIDES_S)
        expect(page.locator("#balance-headline")).not_to_have_text("Not measurable yet", timeout=1000 * STRIDES_S)
        page.locator("#stop").click()
        page.locator("#stop-form [type=submit]").click()
        expect(page.locator("#rec-word")).to_have_text("Not recording")
        page.goto(page.url.rstrip("/") + "/sessions")
        report = page.get_by_role("link", name=re.compile("report", re.IGNORECASE)).first
        page.goto(page.url.removesuffix("/sessions") + (report.get_attribute("href") or ""))
        expect(page.get_by_text("What now?")).to_be_visible()
        assert problems == []
