"""A stored session's legs are swapped on the page of sessions: after a question, by finger and by keyboard."""

from collections.abc import Generator, Sequence
from dataclasses import replace

import pytest
from fakes.fake_gateway import FakeGateway
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import TOKEN, chromium, opened, page_server

from evenstride_gateway.errors import LegTakenError
from evenstride_gateway.web.port import Placement, SessionRow

pytestmark = pytest.mark.browser
LAPTOP, PHONE = (1280, 800), (390, 844)
SESSION = "20260503-0815-ana"


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with chromium() as launched:
        yield launched


class OneLeg(FakeGateway):
    """A FAKE gateway whose stored session has strides of one leg only."""

    async def swap_legs(self, *, session_id: str | None) -> Placement:
        raise LegTakenError("a swap needs a pod on each leg; now: E4A1-07 on the left")


class Running(FakeGateway):
    """A FAKE gateway whose only session is being recorded."""

    async def sessions(self) -> Sequence[SessionRow]:
        return [replace(row, stopped_at=None, duration_s=None) for row in await super().sessions()]


def swap_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Swap legs of Ana Lindqvist")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_legs_of_a_stored_session_are_swapped_after_a_question(browser: Browser, size: tuple[int, int]) -> None:
    with page_server() as server, opened(browser, f"{server.url}?token={TOKEN}", width=size[0], height=size[1]) as page:
        page.goto(f"{server.url}sessions")
        swap_button(page).click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Ana Lindqvist")
        expect(dialog).to_contain_text("2026")
        dialog.get_by_role("button", name="Leave as they are").click()
        expect(dialog).to_be_hidden()
        assert server.gateway.corrected == []
        box = swap_button(page).bounding_box()
        assert box is not None
        assert box["height"] >= (44 if size == PHONE else 40)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        swap_button(page).click()
        dialog.get_by_role("button", name="Swap legs").click()
        expect(page.get_by_role("status")).to_have_text("legs swapped")
        expect(dialog).to_be_hidden()
        assert server.gateway.corrected == [SESSION]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_by_keyboard_alone(browser: Browser) -> None:
    with page_server() as server, opened(browser, f"{server.url}?token={TOKEN}", width=1280, height=800) as page:
        page.goto(f"{server.url}sessions")
        expect(swap_button(page)).to_be_visible()
        page.get_by_role("link", name="Report of Ana").focus()
        page.keyboard.press("Tab")
        expect(swap_button(page)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(swap_button(page)).to_be_focused()
        assert server.gateway.corrected == []
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("dialog").get_by_role("button", name="Swap legs")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("legs swapped")
        expect(swap_button(page)).to_be_focused()
        assert server.gateway.corrected == [SESSION]


def test_a_refusal_is_said_in_the_question(browser: Browser) -> None:
    with (
        page_server(OneLeg) as server,
        opened(browser, f"{server.url}?token={TOKEN}", width=390, height=844, tolerate="409") as page,
    ):
        page.goto(f"{server.url}sessions")
        swap_button(page).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Swap legs").click()
        expect(dialog.get_by_role("alert")).to_contain_text("a swap needs a pod on each leg")
        expect(page.get_by_role("status")).to_be_hidden()


def test_who_only_watches_cannot_swap(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=1280, height=800, tolerate="401") as page:
        page.goto(f"{server.url}sessions")
        expect(page.get_by_role("link", name="Report of Ana")).to_be_visible()
        told = page.evaluate(
            "async () => (await fetch('/api/pods/swap', {method: 'POST',"
            f" headers: {{'Content-Type': 'application/json'}}, body: '{{\"session\": \"{SESSION}\"}}'}})).status"
        )
        assert told == 401
        expect(swap_button(page)).to_be_hidden()
        assert server.gateway.corrected == []


def test_a_session_that_runs_has_no_button(browser: Browser) -> None:
    with page_server(Running) as server, opened(browser, f"{server.url}?token={TOKEN}", width=390, height=844) as page:
        page.goto(f"{server.url}sessions")
        expect(page.get_by_role("row").nth(1)).to_contain_text("recording")
        expect(page.get_by_role("button", name="Swap legs")).to_have_count(0)
