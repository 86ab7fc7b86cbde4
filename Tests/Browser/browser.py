#!/usr/bin/env python3
"""Looks at the built site in a real browser: accessibility (axe-core), keyboard, narrow windows, print, size, no request elsewhere.

Usage: browser.py NB [--shots FOLDER] [NAME…]     NB: a built nb; NAME: parts of test names; --shots: pictures to look at
Needs Python's playwright and axe-playwright-python and a Chromium (NB_CHROMIUM, else the PATH); without one of them it says so and passes.
Loads under a slowed CPU are printed for a person to judge; no test is decided by time.
"""
import argparse
import gzip
import os
import shutil
import sys
from pathlib import Path

from sites import Sites, pages, served

PAGE_KB_MAX = 150
TYPES = ["index.html", "day08.html", "day02.html", "vendors.html", "glossary.html", "runbook.html", "optimization-log.html", "trend.html",
         "budgets.html", "market.html", "404.html"]
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
       # It would fetch the stylesheets once more, which the page's content policy forbids.
       "preload": False}
SPACING = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }"

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Failure(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failure(text)


class Looking:
    """A browser with the sites; pages are opened with everything recorded that must not happen."""

    def __init__(self, browser, sites, axe, shots):
        self.browser, self.sites, self.axe, self.shots = browser, sites, axe, shots

    def open(self, address, scheme="light", width=1280, height=900, script=True, **more):
        context = self.browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": height}, java_script_enabled=script, reduced_motion="reduce", **more)
        page = context.new_page()
        page.faults = []
        start = address.rsplit("/", 1)[0] + "/"

        def requested(request):
            inside = request.url.startswith(start) or request.url.startswith("data:")
            if not inside:
                page.faults.append(f"asks for {request.url}")

        def said(message):
            if message.type in ("error", "warning"):
                page.faults.append(f"{message.type}: {message.text}")

        page.on("request", requested)
        page.on("console", said)
        page.on("pageerror", lambda error: page.faults.append(f"script: {error}"))
        page.goto(address)
        return page

    def picture(self, page, name):
        if self.shots:
            page.screenshot(path=str(self.shots / f"{name}.png"))


def check_page(looking, address, name, scheme, width):
    page = looking.open(address, scheme, width, 800 if width < 600 else 900)
    try:
        looking.picture(page, f"{name}-{scheme}-{width}")
        found = looking.axe.run(page, options=AXE).response["violations"]
        for one in found:
            places = "; ".join(f"{node['target']} {node.get('failureSummary', '')[:160]!r}" for node in one["nodes"][:3])
            page.faults.append(f"axe {one['id']} ({one['impact']}, {len(one['nodes'])} places): {places}")
        overflow = page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            page.faults.append(f"the page scrolls sideways by {overflow} px")
        return [f"{name} {scheme} {width}: {fault}" for fault in page.faults]
    finally:
        page.context.close()


def check_site(looking, base, site, names):
    faults = []
    for name in names:
        for scheme, width in [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]:
            faults += check_page(looking, f"{base}/{name}", f"{site}-{name.removesuffix('.html')}", scheme, width)
    require(not faults, f"{len(faults)} faults:\n  " + "\n  ".join(faults[:40]))


@test
def every_page_type_is_accessible_from_a_disk(looking):
    check_site(looking, looking.sites.course.as_uri(), "course", [n for n in TYPES if (looking.sites.course / n).exists()])


@test
def the_small_japanese_course_is_accessible(looking):
    check_site(looking, looking.sites.japanese.as_uri(), "japanese", pages(looking.sites.japanese))


@test
def slides_are_accessible(looking):
    check_site(looking, looking.sites.slides.as_uri(), "slides", ["day08.html", "index.html"])


@test
def more_contrast_and_forced_colours_stay_accessible(looking):
    faults = []
    for name in ("index.html", "day08.html", "market.html"):
        for more in ({"contrast": "more", "scheme": "light"}, {"contrast": "more", "scheme": "dark"}, {"forced_colors": "active", "scheme": "dark"}):
            page = looking.open(f"{looking.sites.course.as_uri()}/{name}", **more)
            looking.picture(page, f"{name.removesuffix('.html')}-{'-'.join(more.values())}")
            faults += [f"{name} {more}: {one['id']}: {one['nodes'][0]['target']}" for one in looking.axe.run(page, options=AXE).response["violations"]]
            page.context.close()
    require(not faults, "\n  ".join(faults))


@test
def over_http_nothing_is_asked_for_elsewhere(looking):
    with served(looking.sites.course) as base:
        for name in pages(looking.sites.course):
            page = looking.open(f"{base}/{name}")
            require(not page.faults, f"{name}: {page.faults}")
            page.context.close()


@test
def no_page_scrolls_sideways_at_320_pixels(looking):
    for folder in (looking.sites.course, looking.sites.japanese, looking.sites.slides):
        page = looking.open(f"{folder.as_uri()}/index.html", width=320, height=640)
        for name in pages(folder):
            page.goto(f"{folder.as_uri()}/{name}")
            wide = page.evaluate("""() => { const over = document.scrollingElement.scrollWidth - 320; if (over <= 0) return '';
              const box = [...document.querySelectorAll('main *')].find(e => e.getBoundingClientRect().right > 321 && !e.closest('.table-box, .plot-box, pre'));
              return over + ' px, first ' + (box ? box.outerHTML.slice(0, 120) : 'unknown'); }""")
            require(not wide, f"{folder.parent.name}/{name}: {wide}")
        page.context.close()


@test
def wider_text_spacing_loses_nothing(looking):
    page = looking.open(f"{looking.sites.course.as_uri()}/day08.html", width=1280, bypass_csp=True)
    for name in [n for n in TYPES if (looking.sites.course / n).exists()]:
        page.goto(f"{looking.sites.course.as_uri()}/{name}")
        page.add_style_tag(content=SPACING)
        over = page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
        cut = page.evaluate("""() => [...document.querySelectorAll('.card, .badge, .week-nav li > *, .fact-state, .site-nav a')]
          .filter(e => e.scrollWidth > e.clientWidth + 2 && getComputedStyle(e).display !== 'inline').map(e => e.textContent.slice(0, 40))""")
        require(over <= 0 and not cut, f"{name}: scrolls by {over}, cut off: {cut[:5]}")
    page.context.close()


@test
def the_keyboard_reaches_everything_and_shows_where_it_is(looking):
    for name in ("index.html", "day08.html", "market.html"):
        page = looking.open(f"{looking.sites.course.as_uri()}/{name}")
        page.keyboard.press("Tab")
        first = page.evaluate("({text: document.activeElement.textContent, top: document.activeElement.getBoundingClientRect().top, href: document.activeElement.getAttribute('href')})")
        require(first["href"] == "#main" and first["top"] >= 0, f"{name}: the first stop is not a visible link to the text: {first}")
        page.keyboard.press("Enter")
        page.wait_for_timeout(50)
        require(page.evaluate("document.activeElement.id") == "main", f"{name}: the skip link does not lead to the text")
        page.reload()
        page.evaluate("document.activeElement.blur()")
        last = -1
        for _ in range(40):
            page.keyboard.press("Tab")
            stop = page.evaluate("""() => { const e = document.activeElement; if (e === document.body) return null;
              const all = [...document.querySelectorAll('*')], box = e.getBoundingClientRect(), style = getComputedStyle(e);
              const x = box.left + Math.min(box.width, innerWidth - box.left) / 2, y = box.top + Math.min(box.height, innerHeight - box.top) / 2;
              const top = document.elementFromPoint(x, y);
              return {place: all.indexOf(e), outline: style.outlineStyle + parseFloat(style.outlineWidth), name: e.outerHTML.slice(0, 80),
                seen: !!top && (e.contains(top) || top.contains(e))}; }""")
            if stop is None:
                break
            require(stop["place"] > last, f"{name}: the order of stops jumps back at {stop['name']}")
            require(stop["outline"] not in ("none0", "none3") and stop["seen"], f"{name}: the focus is not to be seen on {stop['name']}: {stop}")
            last = stop["place"]
        page.context.close()


@test
def without_a_script_everything_is_there_and_nothing_is_promised(looking):
    page = looking.open(f"{looking.sites.course.as_uri()}/day08.html", script=False)
    require(page.locator("#search").is_hidden(), "the search form shows although no script answers it")
    require(page.locator("button").count() == 0, "there is a button that does nothing")
    require(page.locator(".contents a").first.is_visible(), "the contents are folded away beside the text")
    require(page.locator("main svg").count() > 3, "the plots are not there")
    page.context.close()
    page = looking.open(f"{looking.sites.slides.as_uri()}/day08.html", script=False)
    page.locator(".slide .slide-next").first.click()
    require(page.url.endswith("#slide-2"), f"a slide's link leads to {page.url}")
    page.context.close()


@test
def code_can_be_copied(looking):
    with served(looking.sites.course) as base:
        page = looking.open(f"{base}/day06.html", permissions=["clipboard-read", "clipboard-write"])
        button = page.locator("article > .code-box .copy").first
        wanted = page.locator("article > .code-box code").first.text_content()
        button.click()
        page.wait_for_timeout(100)
        require(page.evaluate("navigator.clipboard.readText()") == wanted, "the clipboard holds something else")
        require(not page.faults, f"{page.faults}")
        page.context.close()


@test
def search_finds_from_a_disk_and_in_japanese(looking):
    for folder, text, wanted in ((looking.sites.course, "hit ratio", "day08.html"), (looking.sites.japanese, "待ち行列", "day01.html")):
        page = looking.open(f"{folder.as_uri()}/404.html")
        page.keyboard.press("/")
        require(page.evaluate("document.activeElement.id") == "search-input", "`/` does not lead to the search")
        page.keyboard.type(text)
        page.wait_for_selector("#search-results a")
        page.wait_for_timeout(200)
        found = page.evaluate("[...document.querySelectorAll('#search-results a')].map(a => a.getAttribute('href'))")
        require(wanted in found, f"{text!r} finds {found}")
        said = page.locator("#search-status").text_content()
        require(any(c.isdigit() for c in said) or said, f"the status says {said!r}")
        looking.picture(page, f"search-{folder.parent.name}")
        bad = [f"{one['id']}: {one['nodes'][0]['target']}" for one in looking.axe.run(page, options=AXE).response["violations"]]
        require(not bad and not page.faults, f"{bad} {page.faults}")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "404.html" not in address, timeout=5000)
        page.context.close()


@test
def arrow_keys_turn_slides(looking):
    page = looking.open(f"{looking.sites.slides.as_uri()}/day08.html", width=1280, height=720)
    looking.picture(page, "slides-overview")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(60)
    require("#slide-" in page.url, f"four arrows lead to {page.url}")
    looking.picture(page, "slides-later")
    page.keyboard.press("Home")
    page.wait_for_timeout(60)
    require(abs(page.evaluate("document.getElementById('overview').getBoundingClientRect().top")) < 200, "Home does not lead to the overview")
    page.context.close()


@test
def pages_print(looking):
    for site, name in ((looking.sites.course, "day08.html"), (looking.sites.course, "index.html"), (looking.sites.slides, "day08.html")):
        page = looking.open(f"{site.as_uri()}/{name}")
        pdf = page.pdf(prefer_css_page_size=True)
        require(pdf.startswith(b"%PDF") and len(pdf) > 10_000, f"{name} prints as {len(pdf)} bytes")
        if looking.shots:
            (looking.shots / f"{site.parent.name}-{name}.pdf").write_bytes(pdf)
        page.context.close()


@test
def the_largest_page_is_small(looking):
    folder = looking.sites.course
    shared = sum(len(gzip.compress(path.read_bytes(), 6)) for path in folder.iterdir()
                 if path.suffix in (".css", ".js") and not path.name.startswith("search-"))
    sizes = {name: len(gzip.compress((folder / name).read_bytes(), 6)) for name in pages(folder)}
    largest = max(sizes, key=sizes.get)
    total = (sizes[largest] + shared) / 1000
    print(f"     largest page {largest}: {sizes[largest] / 1000:.1f} kB gzip, with stylesheet and scripts {total:.1f} kB")
    require(total <= PAGE_KB_MAX, f"{largest} has {total:.0f} kB, more than {PAGE_KB_MAX}")


@test
def largest_contentful_paint_is_printed(looking):
    with served(looking.sites.course) as base:
        for name in ("index.html", "day02.html", "day08.html"):
            times = []
            for _ in range(5):
                page = looking.browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
                page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
                page.goto(f"{base}/{name}")
                times.append(page.evaluate("""() => new Promise(done => new PerformanceObserver(list => {
                  const all = list.getEntries(); done(all[all.length - 1].startTime); }).observe({type: 'largest-contentful-paint', buffered: true}))"""))
                page.context.close()
            times.sort()
            print(f"     {name}: largest contentful paint at 4 x CPU slow-down {times[2]:.0f} ms, median of 5 ({times[0]:.0f} to {times[-1]:.0f})")
            require(times[2] > 0, "no paint was seen")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb")
    parser.add_argument("--shots", type=Path)
    parser.add_argument("names", nargs="*")
    given = parser.parse_intermixed_args()
    try:
        from axe_playwright_python.sync_playwright import Axe
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        print(f"skipped: no browser tests without Python's playwright and axe-playwright-python ({error})")
        return 0
    chromium = os.environ.get("NB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("skipped: no browser tests without a Chromium on the PATH (or NB_CHROMIUM)")
        return 0
    if given.shots:
        given.shots.mkdir(parents=True, exist_ok=True)
    sites = Sites(given.nb)
    failed = passed = 0
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            looking = Looking(browser, sites, Axe(), given.shots)
            for function in TESTS:
                if given.names and not any(name in function.__name__ for name in given.names):
                    continue
                try:
                    function(looking)
                    passed += 1
                    print(f"ok   {function.__name__.replace('_', ' ')}", flush=True)
                except Exception as error:  # a browser's own errors are failures too
                    failed += 1
                    print(f"FAIL {function.__name__.replace('_', ' ')}\n  {error}", flush=True)
            browser.close()
    finally:
        sites.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
