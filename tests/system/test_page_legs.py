"""Legs on the live page: a pod without one asks for it, two pods can be swapped; by mouse, finger and keyboard."""

import re
from collections.abc import Generator

import pytest
from fakes.fake_gateway import POD, FakeGateway
from playwright.sync_api import Browser, Locator, Page, expect
from support.browser import TOKEN, chromium, opened, page_server

from evenstride_analysis.model import Side

pytestmark = pytest.mark.browser
LEFT, RIGHT = POD[Side.LEFT], POD[Side.RIGHT]
LAPTOP, PHONE = (1280, 800), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with chromium() as launched:
        yield launched


def new_pods() -> FakeGateway:
    """Two pods that stream and have no leg."""
    gateway = FakeGateway()
    gateway.sides = {LEFT: None, RIGHT: None}
    return gateway


def both_left() -> FakeGateway:
    gateway = FakeGateway()
    gateway.sides = {LEFT: Side.LEFT, RIGHT: Side.LEFT}
    return gateway


def tile(page: Page, pod_id: str) -> Locator:
    return page.locator(f'.pod[data-pod="{pod_id}"]')


def leg_button(page: Page, pod_id: str, side: str) -> Locator:
    return tile(page, pod_id).get_by_role("button", name=re.compile(f"^{side} leg"))


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_new_pods_are_given_their_legs(browser: Browser, size: tuple[int, int]) -> None:
    with (
        page_server(new_pods) as server,
        opened(browser, f"{server.url}?token={TOKEN}", width=size[0], height=size[1], tolerate="409") as page,
    ):
        server.do(lambda gateway: gateway.run(20))
        expect(page.locator("#warnings li")).to_have_count(2)
        expect(page.locator("#warnings li").first).to_contain_text("streams, but on which leg?")
        expect(tile(page, LEFT)).to_contain_text("No leg")
        expect(page.locator("#swap")).to_be_hidden()
        assert fits(page)
        for side in ("left", "right"):
            box = leg_button(page, LEFT, side).bounding_box()
            assert box is not None
            assert box["height"] >= (44 if size == PHONE else 40)
        leg_button(page, LEFT, "left").click()
        expect(tile(page, LEFT).locator(".pod-name")).to_contain_text("Left")
        expect(leg_button(page, LEFT, "left")).to_be_hidden()
        leg_button(page, RIGHT, "left").click()  # taken: it says so, and asks on
        expect(tile(page, RIGHT).get_by_role("alert")).to_contain_text(f"pod {LEFT} sits on the left leg")
        assert fits(page)
        leg_button(page, RIGHT, "right").click()
        expect(tile(page, RIGHT).locator(".pod-name")).to_contain_text("Right")
        expect(page.locator("#warnings li")).to_have_count(0)
        expect(page.locator("#swap")).to_be_visible()
        assert server.gateway.sides == {LEFT: Side.LEFT, RIGHT: Side.RIGHT}


def test_by_keyboard_although_the_board_is_drawn_anew_all_the_time(browser: Browser) -> None:
    with (
        page_server(new_pods) as server,
        opened(browser, f"{server.url}?token={TOKEN}", width=1280, height=800) as page,
    ):
        button = leg_button(page, RIGHT, "right")
        expect(button).to_be_visible()
        page.evaluate("document.activeElement?.blur()")
        for _ in range(20):
            page.keyboard.press("Tab")
            if button.evaluate("node => node === document.activeElement"):
                break
        for _ in range(5):
            server.do(lambda gateway: gateway.run(2))
        expect(page.locator("#stance-left")).to_be_visible()
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        expect(tile(page, RIGHT).locator(".pod-name")).to_contain_text("Right")
        expect(page.locator("#pods-title")).to_be_focused()
        assert server.gateway.sides == {LEFT: None, RIGHT: Side.RIGHT}


def test_legs_are_swapped_after_a_question(browser: Browser) -> None:
    with page_server() as server, opened(browser, f"{server.url}?token={TOKEN}", width=390, height=844) as page:
        server.do(lambda gateway: gateway.run(60, left_s=0.21, right_s=0.27))
        expect(page.locator("#stance-left")).to_have_text(re.compile(r"^2[01]\d$"))
        page.locator("#swap").click()
        expect(page.locator("#swap-dialog")).to_contain_text("corrected from its start")
        page.keyboard.press("Escape")
        expect(page.locator("#swap-dialog")).to_be_hidden()
        assert server.gateway.corrected == []
        page.locator("#swap").click()
        page.locator("#swap-form [type=submit]").click()
        expect(page.locator("#swap-dialog")).to_be_hidden()
        expect(page.locator("#stance-left")).to_have_text(re.compile(r"^2[67]\d$"))
        expect(tile(page, LEFT).locator(".pod-name")).to_contain_text("Right")
        assert server.gateway.sides == {LEFT: Side.RIGHT, RIGHT: Side.LEFT}


def test_two_pods_on_one_leg_are_asked(browser: Browser) -> None:
    with (
        page_server(both_left) as server,
        opened(browser, f"{server.url}?token={TOKEN}", width=1280, height=800) as page,
    ):
        expect(page.locator("#warnings li")).to_contain_text("both claim the left leg")
        expect(page.locator("#swap")).to_be_hidden()
        leg_button(page, RIGHT, "right").click()
        expect(page.locator("#warnings li")).to_have_count(0)
        assert server.gateway.sides == {LEFT: Side.LEFT, RIGHT: Side.RIGHT}


def test_who_only_watches_cannot_choose(browser: Browser) -> None:
    with page_server(new_pods) as server, opened(browser, server.url, width=390, height=844) as page:
        expect(tile(page, LEFT)).to_contain_text("No leg")
        expect(page.locator("#warnings li")).to_have_count(2)
        expect(page.locator(".leg-choice").first).to_be_hidden()
        server.do(lambda gateway: gateway.sides.update({LEFT: Side.LEFT, RIGHT: Side.RIGHT}))
        expect(page.locator("#warnings li")).to_have_count(0)
        expect(page.locator("#swap")).to_be_hidden()
