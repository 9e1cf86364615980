"""The live page in Debian's Chromium, at laptop and phone size: what is shown, and that it can be used."""

import asyncio
import re
from collections.abc import Generator

import pytest
from fakes.fake_gateway import FakeGateway, symmetry
from playwright.sync_api import Browser, Page, expect
from support.browser import TOKEN, PageServer, chromium, opened, page_server

from evenstride_analysis.model import Measure, Side, Verdict

pytestmark = pytest.mark.browser
LAPTOP, PHONE = (1280, 800), (390, 844)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def server() -> Generator[PageServer, None, None]:
    with page_server() as served:
        yield served


def on(browser: Browser, server: PageServer, size: tuple[int, int], *, coach: bool = True, dark: bool = False):
    url = f"{server.url}?token={TOKEN}" if coach else server.url
    return opened(browser, url, width=size[0], height=size[1], color_scheme="dark" if dark else "light")


def run_unevenly(gateway: FakeGateway) -> None:
    gateway.run(118)
    impact = symmetry(Verdict.POSSIBLE, -0.09, 0.06, measure=Measure.IMPACT_AXIAL)
    gateway.find(symmetry(Verdict.REAL, -0.0452, 0.021), impact)


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_numbers_and_verdicts_are_shown(browser: Browser, server: PageServer, size: tuple[int, int]) -> None:
    server.do(run_unevenly)
    board = server.do(lambda gateway: gateway.view.snapshot(gateway.now_s()))
    with on(browser, server, size) as page:
        expect(page.locator("#status")).to_have_text("live")
        expect(page.locator("#balance-headline")).to_have_text("Longer on the right")
        expect(page.locator("#balance-verdict")).to_have_text("real")
        expect(page.locator("#balance-detail")).to_contain_text("95 % interval 50.6 to 51.7 % on the right")
        expect(page.locator("#gauge")).to_contain_text("51.1")
        expect(page.locator("#stance-verdict")).to_have_text("real")
        expect(page.locator("#stance-detail")).to_have_text("Longer on the right · 50.6 to 51.7 %")
        expect(page.locator("#impact-verdict")).to_have_text("possible")
        expect(page.locator("#impact-detail")).to_contain_text("Possibly harder on the right · 5")
        for side, leg in board["legs"].items():
            expect(page.locator(f"#stance-{side}")).to_have_text(f"{leg['stance_mean_ms']:.0f}")
            expect(page.locator(f"#impact-{side}")).to_have_text(f"{leg['impact_axial_mean_g']:.1f}")
        expect(page.locator("#cadence")).to_have_text(f"{board['cadence_spm']:.0f}")
        expect(page.locator("#gait")).to_have_text("running")
        right = page.locator(".pod").nth(1)
        for fact in ("E4A1-12", "-74 dBm", "64 %", "0.13 % missing", "1,040 caught up"):
            expect(right).to_contain_text(fact)
        assert drawn_colours(page, "stance-strip") > 2
        fits(page)


def test_a_stance_is_shown_before_its_stride_is_complete(browser: Browser, server: PageServer) -> None:
    server.do(lambda gateway: gateway.run(40))
    with on(browser, server, LAPTOP) as page:
        under = page.locator("#stance-left-under")
        expect(under).to_contain_text("last 2")
        mean = page.locator("#stance-left").inner_text()
        server.do(lambda gateway: gateway.step_off(Side.LEFT, stance_s=0.291))
        expect(under).to_contain_text("last \u2248 291")
        expect(page.locator("#stance-left")).to_have_text(mean)
        expect(page.locator("#impact-left-under")).not_to_contain_text("\u2248")


COLOURS = """async canvas => {
  await new Promise(requestAnimationFrame);
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] === 255) seen.add(pixels.slice(i, i + 3).join());
  }
  return seen.size;
}"""


def drawn_colours(page: Page, canvas: str) -> int:
    """How many different strong colours a canvas shows: an empty one has none."""
    page.wait_for_selector("#board:not([hidden])")
    return int(page.locator(f"#{canvas}").evaluate(COLOURS))


def fits(page: Page) -> None:
    wide, has, overflowing = page.evaluate(
        """[document.documentElement.scrollWidth, innerWidth, [...document.querySelectorAll('.card, header *')]
           .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1)
           .map(e => e.className)]"""
    )
    assert wide <= has
    assert overflowing == []


def test_a_finding_is_never_a_bare_number(browser: Browser, server: PageServer) -> None:
    server.do(lambda gateway: gateway.run(9))
    server.do(lambda gateway: gateway.find(symmetry(Verdict.NOT_MEASURABLE, reason="12 of 20 strides yet")))
    with on(browser, server, PHONE) as page:
        expect(page.locator("#balance-headline")).to_have_text("Not measurable")
        expect(page.locator("#balance-detail")).to_have_text("12 of 20 strides yet")
        expect(page.locator("#stance-verdict")).to_have_text("not measurable")
        expect(page.locator("#stance-detail")).to_have_text("12 of 20 strides yet")
        expect(page.locator("#gauge .needle")).to_have_count(0)
        expect(page.locator("#gauge .band")).to_have_count(0)
        assert re.search(r"\d+\.\d", page.locator("#gauge").text_content() or "") is None
        server.do(lambda gateway: gateway.find(symmetry(Verdict.WITHIN_NOISE, 0.01)))
        expect(page.locator("#balance-headline")).to_have_text("Even, within noise")
        expect(page.locator("#gauge .band")).to_have_count(1)
        server.do(lambda gateway: gateway.find(symmetry(Verdict.WITHIN_NOISE, 0.01, half=0.09)))
        expect(page.locator("#balance-headline")).to_have_text("No difference seen (only a large one could be)")
        fits(page)


def test_no_pods_is_said_and_the_board_appears_by_itself(browser: Browser) -> None:
    with page_server(lambda: FakeGateway(pods=False)) as server, on(browser, server, LAPTOP) as page:
        expect(page.get_by_role("heading", name="No pods seen yet")).to_be_visible()
        expect(page.locator("#status")).to_have_text("waiting for pods")

        def switch_on(gateway: FakeGateway) -> None:
            gateway.pods_seen = gateway.pods_alive = True
            gateway.run(5)

        server.do(switch_on)
        expect(page.locator("#board")).to_be_visible()
        expect(page.locator("#empty")).to_be_hidden()


def test_start_and_stop_by_keyboard(browser: Browser, server: PageServer) -> None:
    with on(browser, server, LAPTOP) as page:
        expect(page.locator("#rec-word")).to_have_text("Not recording")
        focus_by_tab(page, "start")
        page.keyboard.press("Enter")
        expect(page.locator("#runner-name")).to_be_focused()
        page.keyboard.press("Enter")  # no name: nothing is sent
        expect(page.locator("#start-dialog")).to_be_visible()
        page.keyboard.type("Ana Lindqvist")
        page.keyboard.press("Enter")
        expect(page.locator("#start-dialog")).to_be_hidden()
        expect(page.locator("#rec-word")).to_have_text("Recording")
        expect(page.locator("#runner")).to_have_text("Ana Lindqvist")
        expect(page.locator("#elapsed")).to_have_text(re.compile(r"0:0\d"))
        expect(page.locator("#stop")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        expect(page.locator("#stop-dialog")).to_be_hidden()
        focus_by_tab(page, "stop")
        page.keyboard.press("Enter")
        page.locator("#stop-form [type=submit]").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#rec-word")).to_have_text("Not recording")
        assert server.gateway.started == ["Ana Lindqvist"]
        assert server.gateway.recording is False


def focus_by_tab(page: Page, wanted: str) -> None:
    page.evaluate("document.activeElement?.blur()")
    expect(page.locator(f"#{wanted}")).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == wanted:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            return
    pytest.fail(f"#{wanted} cannot be reached with Tab")


def test_a_refusal_is_shown_in_the_dialog(browser: Browser, server: PageServer) -> None:
    with opened(browser, f"{server.url}?token={TOKEN}", width=1280, height=800, tolerate="409") as page:
        page.locator("#start").click()
        page.locator("#runner-name").fill("Bo")

        def begin(gateway: FakeGateway) -> None:
            gateway.recording = True
            gateway.started.append("Ana")

        server.do(begin)
        page.locator("#start-form [type=submit]").click()
        expect(page.locator("#start-wrong")).to_have_text("a session of Ana is running: stop it first")


def test_without_the_token_it_is_view_only(browser: Browser, server: PageServer) -> None:
    with on(browser, server, PHONE, coach=False) as page:
        expect(page.locator("#watching")).to_have_text("view only")
        expect(page.locator("#start")).to_be_hidden()
        assert "token" not in page.url


def test_warnings_and_names_are_text_never_markup(browser: Browser, server: PageServer) -> None:
    nasty = "<img src=x onerror=alert(1)>"

    def begin(gateway: FakeGateway) -> None:
        gateway.view.on_warning("x", nasty)
        gateway.hub.publish()
        gateway.tasks = [asyncio.get_running_loop().create_task(gateway.start_session(nasty), name="start")]

    server.do(begin)
    with on(browser, server, PHONE) as page:
        expect(page.locator("#warnings li")).to_have_text(nasty)
        expect(page.locator("#runner")).to_have_text(nasty)
        expect(page.locator("main img, header img")).to_have_count(0)
        fits(page)


def test_big_digits(browser: Browser, server: PageServer) -> None:
    server.do(run_unevenly)
    with on(browser, server, LAPTOP) as page:
        expect(page.locator("#status")).to_have_text("live")
        page.keyboard.press("b")
        expect(page.locator("#big")).to_have_attribute("aria-pressed", "true")
        assert page.evaluate("document.querySelector('#stance-left').getBoundingClientRect().height") > 90
        expect(page.locator("#balance-headline")).to_be_in_viewport(ratio=1)
        expect(page.locator("#cadence")).to_be_in_viewport(ratio=1)
        fits(page)


def test_sessions_lead_to_their_report(browser: Browser, server: PageServer) -> None:
    with opened(browser, f"{server.url}sessions", width=PHONE[0], height=PHONE[1]) as page:
        row = page.get_by_role("row").nth(1)
        expect(row).to_contain_text("Ana Lindqvist")
        expect(row).to_contain_text("32:05")
        fits(page)
        row.get_by_role("link").click()
        expect(page.get_by_role("heading", name="report")).to_be_visible()


CONTRAST = """() => {
  const linear = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => { const [r, g, b] = c.map(linear); return .2126 * r + .7152 * g + .0722 * b; };
  const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = text => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = text; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || e.closest('.unseen, .skip')) continue;
    const style = getComputedStyle(e), ink = rgba(e instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) poor.push(`${e.id || e.className.baseVal || e.className || e.tagName}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_is_legible(browser: Browser, server: PageServer, *, dark: bool) -> None:
    server.do(run_unevenly)
    server.do(lambda gateway: gateway.view.on_warning("x", "Someone moved the left pod."))
    with on(browser, server, LAPTOP, dark=dark) as page:
        expect(page.locator("#balance-headline")).to_have_text("Longer on the right")
        expect(page.locator("#warnings li")).to_be_visible()
        assert page.evaluate(CONTRAST) == []
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        page.locator("#theme").click()
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != ground
        assert page.evaluate(CONTRAST) == []
