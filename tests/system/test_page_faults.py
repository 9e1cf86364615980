"""The live page when something is away: pods, one leg, the server, the network. Old is grey and says since when."""

import re
from collections.abc import Generator

import pytest
from fakes.fake_gateway import STRIDE_S, FakeGateway, stride, symmetry
from playwright.sync_api import Browser, Page, expect
from support.browser import chromium, opened, page_server

from evenstride_analysis.model import Side, Verdict

pytestmark = pytest.mark.browser
SINCE = re.compile(r"No data for \d+ s, since \d\d:\d\d:\d\d\.")


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with chromium() as launched:
        yield launched


def run_evenly(gateway: FakeGateway) -> None:
    gateway.run(60, left_s=0.24, right_s=0.24)
    gateway.find(symmetry(Verdict.WITHIN_NOISE, 0.004))


def is_grey(page: Page) -> bool:
    expect(page.locator("#board")).to_have_css("filter", "grayscale(1)")
    return float(page.evaluate("getComputedStyle(document.getElementById('board')).opacity")) < 0.5


def test_silent_pods_grey_out_the_board(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=390, height=844) as page:
        server.do(run_evenly)
        expect(page.locator("#status")).to_have_text("live")

        def fall_silent(gateway: FakeGateway) -> None:
            gateway.pods_alive = False

        server.do(fall_silent)
        expect(page.locator("#banner")).to_contain_text(SINCE)
        expect(page.locator("#banner")).to_contain_text("No pod is heard")
        expect(page.locator("#status")).to_have_text(re.compile(r"no data for \d+ s"))
        expect(page.locator("#spoken")).to_have_text(re.compile(r"^No data since \d\d:\d\d:\d\d$"))
        expect(page.locator(".pod .age").first).to_contain_text("lost · heard")
        assert is_grey(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        header_px = page.evaluate("document.querySelector('.top').getBoundingClientRect().height")
        assert header_px < 70  # the badge does not wrap the header

        def come_back(gateway: FakeGateway) -> None:
            gateway.pods_alive = True
            gateway.run(3)

        server.do(come_back)
        expect(page.locator("#status")).to_have_text("live")
        expect(page.locator("#banner")).to_be_hidden()


def test_one_leg_may_be_old(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=1280, height=800) as page:

        def only_left_goes_on(gateway: FakeGateway) -> None:
            now_s = gateway.now_s()
            for k in range(40):
                for side in Side:
                    strike_s = now_s - (40 - k) * STRIDE_S - (0.0 if side is Side.LEFT else 12.0)
                    made = stride(side, k, strike_s, stance_s=0.24, impact_g=9.0)
                    gateway.view.on_stride(side, made, strike_s)
            gateway.find(symmetry(Verdict.REAL, 0.09))

        server.do(only_left_goes_on)
        expect(page.locator("#stance .leg.right")).to_have_class(re.compile(r"\bold\b"))
        expect(page.locator("#stance-right-under")).to_have_text(re.compile(r"since \d\d:\d\d:\d\d, 1\d s ago"))
        expect(page.locator("#stance .leg.left")).not_to_have_class(re.compile(r"\bold\b"))
        expect(page.locator("#balance")).to_have_class(re.compile(r"\bold\b"))
        expect(page.locator("#balance-since")).to_contain_text("no new pair for 1")
        expect(page.locator("#status")).to_have_text("live")


def test_the_page_comes_back_after_a_restart(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=1280, height=800) as page:
        server.do(run_evenly)
        expect(page.locator("#stance-left")).to_have_text(re.compile(r"^2[34]\d$"))
        page.evaluate("window.neverReloaded = true")
        port = server.address.port
        server.stop()
        expect(page.locator("#banner")).to_contain_text(SINCE)
        expect(page.locator("#banner")).to_contain_text("The gateway does not answer")
        assert is_grey(page)
        with page_server(port=port) as again:
            again.do(lambda gateway: gateway.run(60, left_s=0.30, right_s=0.30))
            expect(page.locator("#status")).to_have_text("live")
            expect(page.locator("#stance-left")).to_have_text(re.compile(r"^(29|30)\d$"))
            expect(page.locator("#banner")).to_be_hidden()
            assert page.evaluate("window.neverReloaded") is True


def test_the_page_comes_back_after_a_network_hole(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=390, height=844) as page:
        server.do(run_evenly)
        expect(page.locator("#status")).to_have_text("live")
        page.context.set_offline(True)
        server.do(lambda gateway: gateway.hub.disconnect_all())
        expect(page.locator("#banner")).to_contain_text(SINCE)
        assert is_grey(page)
        server.do(lambda gateway: gateway.run(10))
        page.context.set_offline(False)
        expect(page.locator("#status")).to_have_text("live")
        expect(page.locator("#banner")).to_be_hidden()


def test_a_silent_stream_is_noticed_and_reopened(browser: Browser) -> None:
    """The connection stays open and nothing comes: EventSource itself would wait for ever."""
    with page_server() as server, opened(browser, server.url, width=1280, height=800) as page:
        server.do(run_evenly)
        expect(page.locator("#status")).to_have_text("live")

        def mute(gateway: FakeGateway) -> int:
            setattr(gateway.hub, "publish", lambda: None)  # noqa: B010  the fault: a publisher that hangs
            return gateway.hub.viewers

        assert server.do(mute) == 1
        expect(page.locator("#status")).to_have_text(re.compile(r"no data for"))
        expect(page.locator("#status")).to_have_text("live")  # reopened: the snapshot is fresh


def test_a_newer_gateway_brings_its_own_page(browser: Browser) -> None:
    with page_server() as server, opened(browser, server.url, width=1280, height=800) as page:
        expect(page.locator("#status")).to_have_text("live")
        page.evaluate("document.body.dataset.version = '0.0.9'")
        expect(page.locator("body")).to_have_attribute("data-version", "0.1.0")
        expect(page.locator("#status")).to_have_text("live")
