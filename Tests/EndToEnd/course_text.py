"""What the pages of the lessons say in words: how many, and which numbers with a unit somebody typed.

    python3 Tests/EndToEnd/course_text.py words   _site
    python3 Tests/EndToEnd/course_text.py numbers _site

A number with a unit on the page of a day is a live value; or stands in the page's market table; or in a claim, and the block that
verifies it states the same quantity; or in a block's title, and in that block; or it is one of the few below, each with its reason.
"""
import math
import os
import re
import sys
from html import unescape
from html.parser import HTMLParser

from lessons import DAYS, FENCE, block_id, copy_course, is_perf, text_of

VOID = {"br", "hr", "img", "input", "link", "meta", "wbr", "circle", "path", "rect"}
BLOCKS = {"p", "li", "td", "th", "h1", "h2", "h3", "h4", "figcaption", "blockquote", "dd", "dt"}

NUMBER = r"(?<![\w.,§#√])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
UNIT = (
    r"ns|[µμ]s|us|ms|s|min|h|d|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?|nights?|weekends?"
    r"|%|pct|per ?cent|percent|pp|points?"
    r"|[KMGT]i?B|kB|B|bytes?|kibibytes?|mebibytes?|gibibytes?|gigabytes?|megabytes?|kilobytes?"
    r"|USD|EUR|dollars?|euros?|cents?"
    r"|rps|/s|(?:\w+ ){0,2}(?:a|per|each|every) second|(?:\w+ )?a (?:minute|hour|day|month)"
    r"|x|×|times|fold|MHz|GHz|IOPS"
)
WITH_UNIT = re.compile(rf"[$€]\s?\d[\d.,]*\d?|(?:{NUMBER})[  -]?(?:{UNIT})(?![\w])(?:[-/]\w+)?")


class Page(HTMLParser):
    """The blocks of a page's article that an author wrote: (kind, text), live values as ⟦⟧ and code as ⟨⟩."""

    def __init__(self, html):
        super().__init__()
        self.stack = []
        self.blocks = []
        self.skip = None
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag in VOID:
            return
        classes = dict(attributes).get("class", "") or ""
        if tag == "article":
            self.inside = True
        self.stack.append(tag)
        if self.skip is not None or not self.inside:
            return
        if tag == "span" and classes == "value":
            self.text("⟦⟧")
            self.skip = len(self.stack)
        elif tag == "code":
            self.text("⟨⟩")
            self.skip = len(self.stack)
        elif (tag, classes) == ("section", "result"):
            # Tables and plots of results are values; a plot's caption is a title that somebody wrote.
            self.skip = len(self.stack)
        elif tag in ("pre", "svg", "nav", "script", "style", "footer", "details") or classes in ("summary", "kicker"):
            self.skip = len(self.stack)
        elif tag in BLOCKS:
            self.blocks.append([tag, ""])

    def handle_endtag(self, tag):
        if tag in VOID or tag not in self.stack:
            return
        while self.stack:
            closed = self.stack.pop()
            if self.skip is not None and len(self.stack) < self.skip:
                self.skip = None
            if closed == tag:
                break
        if tag == "article":
            self.inside = False
        if tag in BLOCKS and self.skip is None and self.inside:
            self.blocks.append(["", ""])

    def handle_data(self, data):
        if self.inside and self.skip is None:
            self.text(data)

    def text(self, data):
        if self.blocks:
            self.blocks[-1][1] += data


def plain(html):
    return unescape(re.sub(r"<[^>]*>", "", html))


def page(site, day):
    with open(os.path.join(site, f"{day}.html"), encoding="utf-8") as file:
        return file.read()


def blocks(html):
    return [(tag, " ".join(text.split())) for tag, text in Page(html).blocks if text.strip()]


def words(html):
    """Words of paragraphs and lists; neither headings nor tables, code or results."""
    return sum(len(re.findall(r"[\w⟦⟨][\w'’.,%-]*", text)) for tag, text in blocks(html) if tag in ("p", "li", "", "blockquote"))


# In the units of nb; what is counted or is a factor has none.
SCALES = [
    (r"ns|nanoseconds?", 1e-9), (r"[µμu]s|microseconds?", 1e-6), (r"ms|milliseconds?", 1e-3), (r"s|seconds?", 1), (r"min|minutes?", 60), (r"h|hours?", 3600),
    (r"d|days?", 86400), (r"%|pct|per ?cent|percent|pp|points?", 0.01), (r"KiB|kibibytes?", 1024), (r"MiB|mebibytes?", 1 << 20), (r"GiB|gibibytes?", 1 << 30),
]


def quantity(text):
    """The value of a number with its unit, `3 µs` or `80pct`."""
    number, unit = re.fullmatch(r"[$€]?\s?(-?[\d.,]*\d)\s*(.*)", text.strip()).groups()
    value = float(number.replace(",", ""))
    return value * next((scale for pattern, scale in SCALES if re.fullmatch(pattern, unit)), 1)


def states(block, number):
    """Whether a block's text has this quantity: as it is, or a share as what it leaves or adds: 2 % as 0.98 or 1.02."""
    value = quantity(number)
    wanted = {value, quantity(re.match(r"[\d.,]*\d", number).group())}
    if re.search(r"%|per ?cent|points?$", number):
        wanted |= {1 - value, 1 + value}
    has = {abs(quantity(found)) for found in re.findall(r"(?<![\w.])-?\d[\d.]*\d*(?: ?[A-Za-zµ%]+)?", block) if re.match(r"-?\d+(\.\d+)?(?![\d.])", found)}
    return any(math.isclose(one, other, rel_tol=1e-9) for one in wanted for other in has)


def perf_blocks(day):
    return {block_id(fence): fence["text"] for fence in FENCE.finditer(text_of(day)) if is_perf(fence)}


def typed(site, day):
    """Numbers with a unit that no block, fact or measurement gives: (number, kind of block, text around)."""
    html, perf, found = page(site, day), perf_blocks(day), []
    market = re.search(r'<section class="result" id="result-market-.*?</section>', html, re.S)
    facts = plain(market.group()) if market else ""

    def look(kind, text, is_given):
        for match in WITH_UNIT.finditer(text):
            if not is_given(match.group()) and not re.search(rf"(?<![\d.,]){re.escape(match.group())}(?!\w)", facts):
                found.append((match.group(), kind, text[max(0, match.start() - 40) : match.end() + 30]))

    for tag, text in blocks(html):
        # A part's minutes, which `nb check` compares with the lesson's.
        look(tag or "p", text, lambda number: tag == "h2" and text.endswith(f"({number})"))
    for block in perf.values():
        title = re.search(r"^title: (.*)", block, re.M)
        if title:
            look("title", title.group(1), lambda number: states(block.replace(title.group(), ""), number))
    for text, verifier in re.findall(r"^ +text: (.*)\n +verified_by: ([\w-]+)", perf[day], re.M):
        look("claim", text, lambda number: states(perf[verifier], number))
    return found


# (day, number, why it is typed). At most thirty.
ALLOWED = []


def tests(Folder):
    def built(f):
        copy_course(f.path)
        f.nb("build", check=0)
        return os.path.join(f.path, "_site")

    def numbers_with_a_unit_are_seen():
        for text, seen in (
            ("It took 12 ms, 3.5 µs or 2 minutes.", ["12 ms", "3.5 µs", "2 minutes"]),
            ("A share of 99.9 %, 5 per cent more, 2 pp", ["99.9 %", "5 per cent", "2 pp"]),
            ("between $1,200 and 95 USD", ["$1,200", "95 USD"]),
            ("1,400 requests a second, 64 KiB each", ["1,400 requests a second", "64 KiB"]),
            ("p99 of 10 calls, n=4000, day 5, release 2.47, 1.05 to the tenth power, √2 times", []),
        ):
            assert [match.group() for match in WITH_UNIT.finditer(text)] == seen, (text, [match.group() for match in WITH_UNIT.finditer(text)])
        live = (
            '<article><p>Now <span class="value" data-expr="a.p99">12 ms</span>, once <code>3 ms</code>, typed 4 ms.</p>'
            '<section class="result"><p>5 ms</p></section></article>')
        assert [match.group() for _, text in blocks(live) for match in WITH_UNIT.finditer(text)] == ["4 ms"]
        assert states("thresholds: {ratio.time: ['<=0.98']}", "2 %") and states("p99: ['>=200ms']", "200 ms") and not states("p99: ['>=200ms']", "99 %")

    def numbers_on_the_pages_are_given_by_blocks():
        assert len(ALLOWED) <= 30 and all(reason for _, _, reason in ALLOWED), len(ALLOWED)
        allowed = {(day, number) for day, number, _ in ALLOWED}
        with Folder() as f:
            site = built(f)
            found = [(day, number, kind, around) for day in DAYS for number, kind, around in typed(site, day)]
        wrong = [one for one in found if one[:2] not in allowed]
        assert not wrong, "typed by hand: " + "; ".join(f"{day} {number} in … {around} …" for day, number, _, around in wrong)
        unused = allowed - {one[:2] for one in found}
        assert not unused, f"no page has these any more: {sorted(unused)}"

    def lessons_are_an_hour_of_words():
        with Folder() as f:
            site = built(f)
            counts = {day: words(page(site, day)) for day in DAYS}
        print("        words:", *(f"{day} {count}" for day, count in counts.items()))
        assert all(1500 <= count <= 3000 for count in counts.values()), counts

    return [numbers_with_a_unit_are_seen, numbers_on_the_pages_are_given_by_blocks, lessons_are_an_hour_of_words]


if __name__ == "__main__":
    for day in DAYS:
        if sys.argv[1] == "words":
            print(f"{day}: {words(page(sys.argv[2], day))}")
        else:
            for number, kind, around in typed(sys.argv[2], day):
                print(f"{day}: {number:16} {kind:6} … {around} …")
