"""The guided swap-legs test in Debian's Chromium: one thing to do at a time, by finger and by keyboard."""

from collections.abc import Generator
from dataclasses import replace

import pytest
from fakes.fake_gateway import FakeGateway
from playwright.sync_api import Browser, Page, expect
from support.browser import TOKEN, chromium, opened, page_server

from evenstride_analysis.model import Verdict
from evenstride_gateway.web.swap import SwapLine

pytestmark = pytest.mark.browser
LAPTOP, PHONE = (1280, 800), (390, 844)
FOUND = (
    SwapLine(
        verdict=Verdict.REAL,
        headline="The left leg stays longer on the ground, whichever pod it wears",
        detail="stays with the leg: 7.1 % more on left (95 % interval 3.2 to 11.0 %)",
    ),
    SwapLine(
        verdict=Verdict.WITHIN_NOISE,
        headline="Stance time: the pods agree, within noise",
        detail="moves with the pod: 0.6 % more on pod E4A1-07 (95 % interval −2.2 to 3.4 %)",
    ),
)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with chromium() as launched:
        yield launched


def finish(gateway: FakeGateway) -> None:
    gateway.swap.now = replace(gateway.swap.now, result=FOUND)
    gateway.swap.ran(60)


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_from_the_first_stride_to_the_result(browser: Browser, size: tuple[int, int]) -> None:
    with page_server() as server, opened(browser, f"{server.url}?token={TOKEN}", width=size[0], height=size[1]) as page:
        page.goto(f"{server.url}swap-test")
        expect(page.locator("#now-title")).to_have_text("Ready?")
        expect(page.locator("#worn")).to_contain_text("E4A1-07 on the left leg, E4A1-12 on the right")
        page.locator("#runner").fill("Ana")
        page.locator("#begin [type=submit]").click()
        expect(page.locator("#now-title")).to_have_text("Run")
        expect(page.locator("#to-go")).to_have_text("60")
        server.do(lambda gateway: gateway.swap.ran(17))
        expect(page.locator("#to-go")).to_have_text("43")
        assert page.locator("#to-go").evaluate("node => parseFloat(getComputedStyle(node).fontSize)") >= 96
        assert fits(page)
        server.do(lambda gateway: gateway.swap.ran(60))
        expect(page.locator("#now-title")).to_have_text("Stop, and swap the pods")
        expect(page.locator("#steps [aria-current]")).to_have_text("Swap the pods")
        expect(page.locator("#count")).to_be_hidden()
        page.locator("#swapped").click()
        expect(page.locator("#now-title")).to_have_text("Run again")
        expect(page.locator("#worn")).to_contain_text("E4A1-12 on the left leg")
        server.do(finish)
        expect(page.locator("#now-title")).to_have_text("Done")
        expect(page.locator("#result li")).to_have_count(2)
        expect(page.locator("#result li").first).to_contain_text("whichever pod it wears")
        expect(page.locator("#result li").first).to_contain_text("95 % interval 3.2 to 11.0 %")
        expect(page.locator("#result .chip").nth(1)).to_have_text("within noise")
        assert fits(page)
        page.locator("#again").click()
        expect(page.locator("#now-title")).to_have_text("Ready?")
        assert server.gateway.swap.asked == ["begin Ana", "swapped", "cancel"]


def test_by_keyboard_alone(browser: Browser) -> None:
    with page_server() as server, opened(browser, f"{server.url}?token={TOKEN}", width=1280, height=800) as page:
        page.goto(f"{server.url}swap-test")
        expect(page.locator("#now-title")).to_have_text("Ready?")
        page.locator("#runner").focus()
        page.keyboard.type("Bo")
        page.keyboard.press("Enter")
        expect(page.locator("#now-title")).to_have_text("Run")
        expect(page.locator("#now-title")).to_be_focused()
        server.do(lambda gateway: gateway.swap.ran(60))
        expect(page.locator("#now-title")).to_have_text("Stop, and swap the pods")
        page.keyboard.press("Tab")
        expect(page.locator("#swapped")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#now-title")).to_have_text("Run again")
        page.keyboard.press("Tab")
        expect(page.locator("#cancel")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#now-title")).to_have_text("Ready?")
        assert server.gateway.swap.asked == ["begin Bo", "swapped", "cancel"]


def test_a_refusal_is_said_and_the_button_stays(browser: Browser) -> None:
    with (
        page_server() as server,
        opened(browser, f"{server.url}?token={TOKEN}", width=390, height=844, tolerate="409") as page,
    ):
        server.do(lambda gateway: setattr(gateway.swap, "refuse", "pod E4A1-12 is silent: bring it near"))
        page.goto(f"{server.url}swap-test")
        page.locator("#runner").fill("Ana")
        page.locator("#begin [type=submit]").click()
        expect(page.get_by_role("alert")).to_have_text("pod E4A1-12 is silent: bring it near")
        expect(page.locator("#begin")).to_be_visible()
        server.do(lambda gateway: setattr(gateway.swap, "refuse", ""))
        page.locator("#begin [type=submit]").click()
        expect(page.locator("#now-title")).to_have_text("Run")
        expect(page.get_by_role("alert")).to_be_hidden()


def test_who_only_watches_sees_and_cannot_act(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=390, height=844, tolerate="401") as page:
        page.goto(f"{server.url}swap-test")
        expect(page.locator("#watching")).to_be_visible()
        expect(page.locator("#begin")).to_be_hidden()
        told = page.evaluate(
            "async () => (await fetch('/api/swap-test/begin', {method: 'POST',"
            " headers: {'Content-Type': 'application/json'}, body: '{\"runner\": \"x\"}'})).status"
        )
        assert told == 401
        assert server.gateway.swap.asked == []
