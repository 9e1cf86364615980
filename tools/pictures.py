"""Take the README's pictures: a demo runs, Chromium looks at its live page and at the report that it writes.

python tools/pictures.py [SECONDS]    writes docs/pictures/*.png (from the virtual runner; no recording is involved)
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
LOOK_AFTER_S = 75


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = [sys.executable, "-m", "evenstride_gateway.cli", "demo", "--seconds", str(seconds), "--no-browser"]
        command += ["--asymmetry", "11", "--port", "0", "--data", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        url = _address(demo)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        _live(browser, url, min(LOOK_AFTER_S, seconds - 10))
        print(demo.communicate()[0])
        report = next(Path(folder).glob("report-*.html"))
        _report(browser, report)
        browser.close()
    return demo.returncode


def _address(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    for line in demo.stdout:
        if found := re.search(r"http://\S+", line):
            return found.group()
    raise SystemExit("the demo ended without an address: " + json.dumps(demo.args))


def _live(browser: Browser, url: str, after_s: int) -> None:
    for name, width, height, wait_s in (("live", 1280, 800, after_s), ("live-phone", 390, 844, 2)):
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
        page.goto(url)
        page.wait_for_timeout(1000 * wait_s)
        page.screenshot(path=PICTURES / f"{name}.png")
        page.close()


def _report(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 1270}, device_scale_factor=1.5)
    page.goto(report.as_uri())
    page.screenshot(path=PICTURES / "report.png", full_page=True)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
