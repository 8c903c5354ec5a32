"""The pages in a real headless browser: they sound, obey keys, fetch nothing and complain of nothing."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from performances import heard_itself, performance
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from assistant.dialogue.compare import Results, compare
from assistant.dialogue.report.comparison import comparison_page
from assistant.dialogue.report.report import Report
from assistant.dialogue.result import Performance

NASTY = "</script><b>&amp;"
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
FOUND = next((path for path in map(shutil.which, CHROMIUM) if path), None)

pytestmark = [
    pytest.mark.browser,
    # on Linux `make` installs it, and where that was not possible the tests say so
    pytest.mark.skipif(FOUND is None and sys.platform == "darwin", reason="a Mac without Chrome, Chromium or Edge"),
]


def passed() -> Performance:
    """A talk of 13 s, all of whose texts are nasty."""
    one = performance(NASTY)
    record = one.trace.turns[0]
    record.transcript = record.reply = record.reply_heard = NASTY
    one.result.turns[0].failures, one.result.passed = [], True
    # a rising tone: no two moments sound alike
    seconds = np.arange(round(one.trace.seconds * 16_000)) / 16_000
    one.trace.microphone = (0.1 * np.sin(2 * np.pi * (100 + 20 * seconds) * seconds)).astype(np.float32)
    return one


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Made before there is a browser, whose loop would stand in the way of virtual time."""
    folder = tmp_path_factory.mktemp("pages")
    bad, good = heard_itself(), passed()
    report = Report()
    for one in (good, bad):
        report.add(one)
    before = Results(1, True, [good.result])
    after = Results(1, False, [bad.result, good.result])
    texts = {
        "report": report.html({}, complete=True),
        "comparison": comparison_page(compare(before, after), Path("a.json"), Path("b.json")),
    }
    files = {name: folder / f"{name}.html" for name in texts}
    for name, text in texts.items():
        files[name].write_text(text, encoding="utf-8")
    return files


@pytest.fixture(scope="module")
def browser(pages: dict[str, Path]) -> Iterator[Browser]:
    """Whatever Chromium is installed; Playwright's own is never fetched."""
    assert FOUND, "there is no Chromium; install Debian's package `chromium`, or Chrome"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=FOUND)
        yield running
        running.close()


@pytest.fixture
def complaints() -> list[str]:
    """Of pages: console messages, errors, and requests that would have left the file."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """An empty one, of which nothing may be said at the end."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:

        def refuse(route: Route) -> None:
            complaints.append(f"request for {route.request.url}")
            route.abort()

        context.route(re.compile("^(?!file:|data:)"), refuse)
        one = context.new_page()
        one.set_default_timeout(15_000)
        one.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        one.on("pageerror", lambda error: complaints.append(str(error)))
        one.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        yield one
    assert complaints == []


@pytest.fixture
def report(page: Page, pages: dict[str, Path]) -> Page:
    """The report, opened as a file."""
    page.goto(pages["report"].as_uri())
    return page


def dialogue(page: Page, index: int) -> Locator:
    """In the order of the page."""
    return page.locator("details.dialogue").nth(index)


def time_s(where: Locator) -> float:
    """Of a dialogue's sound."""
    at: float = where.locator("audio").evaluate("audio => audio.currentTime")
    return at


def wait_until_it_sounds(where: Locator) -> None:
    """At whatever moment."""
    handle = where.locator("audio").element_handle()
    where.page.wait_for_function("audio => !audio.paused && audio.readyState >= 2", arg=handle)


def pause(where: Locator) -> float:
    """And tell the moment."""
    at: float = where.locator("audio").evaluate("audio => { audio.pause(); return audio.currentTime; }")
    return at


def test_a_click_on_the_waveform_is_heard_from_there(report: Page) -> None:
    """Within a fraction of a second, and the playhead stands there."""
    bad = dialogue(report, 0)
    canvas = bad.locator(".canvas")
    box = canvas.bounding_box()
    assert box is not None
    wave = bad.locator(".canvas .wave").first.bounding_box()
    assert wave is not None
    canvas.click(position={"x": box["width"] / 2, "y": wave["y"] - box["y"] + 10})
    wait_until_it_sounds(bad)
    seconds = float(canvas.get_attribute("data-seconds") or 0)
    at = pause(bad)
    assert seconds / 2 - 0.1 <= at < seconds / 2 + 3
    expect(canvas).to_have_attribute("aria-valuetext", f"{at:.1f} s")
    head = bad.locator(".playhead").bounding_box()
    assert head is not None and abs(head["x"] - box["x"] - box["width"] * at / seconds) < box["width"] * 0.02


def test_every_moment_can_be_heard_and_one_dialogue_at_a_time(report: Page) -> None:
    """Of failures, of lines of the conversation; in a dialogue whose sound was not loaded before."""
    bad, good = dialogue(report, 0), dialogue(report, 1)
    bad.get_by_role("button", name="3.0 s").first.click()
    wait_until_it_sounds(bad)
    assert time_s(bad) >= 2.9
    good.locator("summary").first.click()
    good.locator(".line.you .at").last.click()
    wait_until_it_sounds(good)
    assert time_s(good) >= 8.6
    assert bad.locator("audio").evaluate("audio => audio.paused")


def test_every_failure_is_seen(report: Page) -> None:
    """What was expected and what was seen, what explains the rest first, each that has a moment flagged at it."""
    bad = dialogue(report, 0)
    expect(report.locator("h1")).to_contain_text("1 of 2 dialogues failed")
    reasons = bad.locator(".whys li")
    expect(reasons).to_have_count(4)
    for reason in reasons.all():
        expect(reason).to_be_visible()
        expect(reason).to_contain_text("expected")
    expect(reasons.first).to_contain_text("The assistant heard itself")
    assert {code.get_attribute("title") for code in reasons.locator("code").all()} == set(bad_failures())
    flags = bad.locator(".flag")
    expect(flags).to_have_count(4)
    canvas, fault = bad.locator(".canvas").bounding_box(), bad.locator(".fault").bounding_box()
    assert canvas is not None and fault is not None
    seconds = float(bad.locator(".canvas").get_attribute("data-seconds") or 0)
    assert (fault["x"] - canvas["x"]) / canvas["width"] * seconds == pytest.approx(3.0, abs=0.05)


def bad_failures() -> list[str]:
    """As the result has them."""
    return [
        "self_heard: 1 instead of 0",
        "turns: 2 instead of 1",
        'transcript: "words words" instead of "words" (word error rate 0.25 over 0.2)',
        "first_audio_ms: 2400 over budget 500",
    ]


def test_texts_are_shown_as_they_are(report: Page) -> None:
    """In names, transcripts and replies, whatever they look like."""
    good = dialogue(report, 1)
    expect(good.locator("h2")).to_contain_text(NASTY)
    good.locator("summary").first.click()
    expect(good.locator(".line.you .text").first).to_have_text(NASTY)
    expect(good.locator(".line.assistant .text").first).to_contain_text(NASTY)
    expect(report.locator("main b", has_text="&amp;")).to_have_count(0)


def test_the_keyboard_is_enough(report: Page) -> None:
    """Tab leads to the time axis; arrows, space, home, end, plus and zero do what they say there."""
    bad = dialogue(report, 0)
    canvas = bad.locator(".canvas")
    for _ in range(20):
        report.keyboard.press("Tab")
        if canvas.evaluate("canvas => canvas === document.activeElement"):
            break
    expect(canvas).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        report.keyboard.press(key)
    expect(canvas).to_have_attribute("aria-valuenow", "1.0")
    report.keyboard.press("Space")
    wait_until_it_sounds(bad)
    assert time_s(bad) >= 0.9
    report.keyboard.press("Space")
    assert bad.locator("audio").evaluate("audio => audio.paused")
    report.keyboard.press("End")
    expect(canvas).to_have_attribute("aria-valuenow", canvas.get_attribute("aria-valuemax") or "")
    report.keyboard.press("Home")
    expect(canvas).to_have_attribute("aria-valuenow", "0.0")
    width = canvas.evaluate("canvas => canvas.clientWidth")
    report.keyboard.press("+")
    assert canvas.evaluate("canvas => canvas.clientWidth") == pytest.approx(2 * width, abs=2)
    report.keyboard.press("0")
    assert canvas.evaluate("canvas => canvas.clientWidth") == pytest.approx(width, abs=2)


def test_the_overview_leads_to_a_dialogue_and_opens_it(report: Page) -> None:
    """Those that passed are closed at first."""
    good = dialogue(report, 1)
    expect(good.locator(".canvas")).to_be_hidden()
    report.locator(".overview a").last.click()
    expect(good.locator(".canvas")).to_be_in_viewport()


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_dark_narrow_and_printed(page: Page, pages: dict[str, Path], name: str) -> None:
    """Dark where the system is, never wider than the window, on paper without controls."""
    page.goto(pages[name].as_uri())
    background = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    assert (light, page.evaluate(background)) == ("rgb(255, 255, 255)", "rgb(23, 22, 20)")
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 420
    page.emulate_media(media="print")
    expect(page.locator("audio:visible, .zoom:visible")).to_have_count(0)


def test_the_comparison(page: Page, pages: dict[str, Path]) -> None:
    """What is in one only is named, as text."""
    page.goto(pages["comparison"].as_uri())
    expect(page.locator("h1")).to_have_text("No verdict changed")
    expect(page.locator("header")).to_contain_text("Only in B: hears itself")
    expect(page.locator("h2")).to_contain_text(NASTY)
