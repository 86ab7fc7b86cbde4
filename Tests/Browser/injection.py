#!/usr/bin/env python3
"""A course whose author, results and facts are hostile: markup and script in every field that reaches a page; nothing may execute.

Usage: injection.py NB [--jobs N] [--sample N]     NB: a built nb; --sample: only so many of the fields, chosen by a fixed seed
Every scalar of every perf block, of course.yml, the facts, incidents, budgets and saved results of the real course gets the payload,
one field at a time, and so do all places of Markdown. The pages are opened in Chromium with the page's own content policy switched
off, so that escaping alone must hold; that each page has the policy is looked at apart.
Needs Python's playwright and a Chromium; without one of them it says so and passes.
"""
import argparse
import concurrent.futures
import http.server
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)></title></style></script>{{{x}}}{{/x}}-->]]>"
ADDRESS = "javascript:alert(4)//"
# What the DOM of a page may never have.
LOOK = """() => {
  const bad = [];
  for (const e of document.querySelectorAll('*')) {
    for (const a of e.attributes) {
      if (/^on/i.test(a.name)) bad.push(e.tagName + ' ' + a.name + '=' + a.value);
      if (/^(href|src|action|formaction|xlink:href|data|srcdoc)$/i.test(a.name) && /^[\\s\\u0000-\\u0020]*(javascript|vbscript|data:text)/i.test(a.value))
        bad.push(e.tagName + ' ' + a.name + '=' + a.value);
      if (a.name === 'style') bad.push(e.tagName + ' style=' + a.value);
    }
    if (/^(iframe|object|embed|base|form|meta|script|style|link)$/i.test(e.tagName)) {
      const ours = e.matches('form#search, meta[charset], meta[name], meta[http-equiv="Content-Security-Policy"], link[rel=stylesheet], link[rel=icon], link[rel=canonical], link[rel=alternate]')
        || (e.tagName === 'SCRIPT' && /^[\\w./-]+\\.js$/.test(e.getAttribute('src') || '') && !e.textContent)
        || (e.tagName === 'STYLE' && /^\\s*:root \\{ color-scheme/.test(e.textContent) && !/alert|<|@import|url\\(/.test(e.textContent));
      if (!ours) bad.push(e.outerHTML.slice(0, 200));
    }
    if (e.tagName === 'IMG' && e.getAttribute('src') === 'x') bad.push(e.outerHTML.slice(0, 200));
  }
  return bad;
}"""
PAIR = re.compile(r"""(?P<key>[A-Za-z_][\w.-]*):[ ]+(?P<value>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^,{}\[\]\n#"'|>&*!%@`][^,{}\[\]\n#]*)""")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def yaml_fields(text, where):
    """(name of the field, the text with the payload in it): each kind of field once, with both payloads."""
    seen = set()
    for found in PAIR.finditer(text):
        # One field of many alike is enough; where it stands tells them apart.
        line = text.rfind("\n", 0, found.start()) + 1
        depth = len(text[line:]) - len(text[line:].lstrip(" -"))
        name = f"{where}:{depth}:{found['key']}"
        if name in seen or found["key"] in ("kind", "id"):
            continue
        seen.add(name)
        plain = found["value"].strip().strip("'\"")
        for payload in (plain + MARKUP, ADDRESS):
            yield name, text[:found.start("value")] + quoted(payload) + text[found.end("value"):]


def lesson_fields(path):
    text = path.read_text()
    for block in re.finditer(r"^```perf\n(.*?)^```$", text, re.M | re.S):
        kind = (re.search(r"^kind: (\w+)", block[1], re.M) or ["", "?"])[1]
        for name, changed in yaml_fields(block[1], kind):
            yield name, text[:block.start(1)] + changed + text[block.end(1):]


def result_fields(path):
    """Every string of the saved results, one kind of place at a time, as somebody could have written them into the file."""
    whole = json.loads(path.read_text())
    places = {}

    def walk(node, way, pattern):
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, way + [key], pattern + "/" + ("*" if re.search(r"metrics|theory|params|ratio|delta", pattern.rsplit("/", 1)[-1]) else key))
        elif isinstance(node, list):
            for index, value in enumerate(node):
                walk(value, way + [index], pattern + "/*")
        elif isinstance(node, str):
            places.setdefault(pattern, []).append(way)

    walk(whole, [], "")
    for pattern, ways in places.items():
        for payload in (None, ADDRESS):
            copy = json.loads(json.dumps(whole))
            for way in ways:
                node = copy
                for step in way[:-1]:
                    node = node[step]
                node[way[-1]] = payload or node[way[-1]] + MARKUP
            yield f"results{pattern}", json.dumps(copy)


def markdown():
    """All places of Markdown at once; each with markup and with an address that would execute."""
    m, a = MARKUP, ADDRESS
    return f"""---
title: {m}
---

# {m}

{m}

## [{m}]({a}) ![{m}]({a} "{m}")

[text]({a}) [text](<{a}> '{m.replace("'", "")}') <{a}> [ref][{m}] [ref2]

[ref2]: {a} "{m.replace('"', '')}"

[^1]: {m}

A note[^1] and a value {{{{ {m} }}}} and `{m}` and <!--nb {m}--> and &lt;script&gt;alert(5)&lt;/script&gt;

<div onclick="alert(6)">raw</div>

<script>alert(7)</script>

> [!NOTE {m}]
> {m}

> [!WARNING] {m}
> {m}

| {m.replace('|', '')} | b |
| :-- | --: |
| {m} | [x]({a}) |

- [ ] {m}
- {m}

```{m.replace('`', '')}
{m}
```

```swift #a{m.replace('`', '').replace(' ', '')} edit title="{m.replace('`', '')}"
let x = "{m}"
```

``` html
{m}
```

<!-- nb:result {m} in=0000000000 -->
{m}
<!-- nb:end {m} sum=0000000000 -->

Term
: {m}
"""


class Attack:
    """One hostile course on its way to pages."""

    def __init__(self, nb, folder, number, name, files):
        self.nb, self.name = nb, name
        self.root = folder / f"{number:04d}"
        (self.root / "Notebooks/results").mkdir(parents=True)
        (self.root / "Notebooks/market").mkdir()
        shutil.copytree(ROOT / "Themes", self.root / "Themes")
        shutil.copytree(ROOT / "Notebooks/data", self.root / "Notebooks/data")
        for file, data in files.items():
            target = self.root / "Notebooks" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(data)

    def build(self):
        done = subprocess.run([self.nb, "build"], cwd=self.root, capture_output=True, timeout=120,
                              env={**os.environ, "NB_TODAY": "2026-11-27"})
        if done.returncode not in (0, 1):
            raise AssertionError(f"{self.name}: nb build ended with {done.returncode}: {done.stderr[-500:]}")
        # A terminal must not be driven by what a finding quotes.
        if b"\x1b" in done.stderr + done.stdout:
            raise AssertionError(f"{self.name}: an escape sequence reaches the terminal")
        return sorted((self.root / "_site").glob("*.html")) if (self.root / "_site").exists() else []


def attacks(nb, folder):
    books = ROOT / "Notebooks"
    number = 0
    shared = {name: (books / name).read_text() for name in ("course.yml", "budgets.yml", "glossary.md", "market/facts.yml", "market/incidents.yml", "market/feeds.yml")}

    def course(lesson, **more):
        nonlocal number
        number += 1
        only = re.sub(r"^lessons: .*$", f"lessons: [{lesson}]", more.pop("course", shared["course.yml"]), flags=re.M)
        files = {**shared, "course.yml": only, f"{lesson}.md": (books / f"{lesson}.md").read_text(),
                 f"results/{lesson}.json": (books / f"results/{lesson}.json").read_text()}
        name = more.pop("name")
        files.update(more.pop("files", {}))
        return Attack(nb, folder, number, name, files)

    for name in ("course.yml", "budgets.yml", "market/facts.yml", "market/incidents.yml", "market/feeds.yml"):
        for field, text in yaml_fields(shared[name], name):
            yield course("day08", name=field, **({"course": text} if name == "course.yml" else {"files": {name: text}}))
    known = set()
    for day in range(1, 11):
        lesson = f"day{day:02d}"
        for source, file in ((lesson_fields(books / f"{lesson}.md"), f"{lesson}.md"), (result_fields(books / f"results/{lesson}.json"), f"results/{lesson}.json")):
            counts = {}
            for field, text in source:
                counts[field] = counts.get(field, 0) + 1
                # The two payloads of a field that an earlier lesson had already.
                if (field, counts[field]) in known:
                    continue
                known.add((field, counts[field]))
                yield course(lesson, name=f"{lesson} {field}", files={file: text})
    log = f"# Optimization log\n\n<!-- nb:log day08 onoff in=0123456789 verdict=faster -->\n\n## 2026-11-26 · day08 · {MARKUP}: faster\n\n- **changed:** {MARKUP}\n\n[x]({ADDRESS})\n"
    yield course("day08", name="markdown", files={"day08.md": markdown(), "glossary.md": markdown(), "optimization-log.md": log})


RUN = f"""# Hostile results

```python #raises
def subject(n):
    raise ValueError({MARKUP!r})
```

```python #prints mode=process
import sys
sys.stderr.write({MARKUP!r} + "\\n[x]({ADDRESS})\\n| a | b |\\n")
sys.exit(3)
```

```perf
kind: bench
id: raising
title: {quoted(MARKUP)}
why: {quoted(MARKUP)}
subjects: [{{fence: raises}}]
block_time: {{full: 300ms, quick: 100ms}}
```

```perf
kind: bench
id: printing
subjects: [{{fence: prints}}]
block_time: {{full: 300ms, quick: 100ms}}
```

```perf
kind: bench
id: named
title: {quoted("[x](" + ADDRESS + ")")}
subjects: [{{builtin: spin, name: one}}, {{command: {quoted("true " + MARKUP.replace("`", ""))}, name: two}}]
compare: {{baseline: one}}
block_time: {{full: 300ms, quick: 100ms}}
```
"""


def ran(nb, folder):
    """Pages of what hostile code said when it failed, and a report on a hostile server."""
    book = folder / "ran"
    book.mkdir()
    shutil.copytree(ROOT / "Themes", book / "Themes")
    (book / "hostile.md").write_text(RUN)
    done = subprocess.run([nb, "run", "--quick", "--trust", "hostile.md"], cwd=book, capture_output=True, timeout=120)
    if b"alert(1)" not in (book / "hostile.md").read_bytes().split(b"<!-- nb:result", 1)[-1]:
        raise AssertionError(f"nothing of what the code said is in a result: {done.stderr[-800:]}")
    subprocess.run([nb, "build"], cwd=book, capture_output=True, timeout=120)

    class Hostile(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(500, MARKUP)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"<svg>")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Braces would ask for a value of the scenario.
    plain = MARKUP.replace("{", "(").replace("}", ")")
    path = urllib.parse.quote(plain, safe="\"'<>()=;/")
    subprocess.run([nb, "load", f"http://127.0.0.1:{server.server_port}/{path.replace(' ', '')}", "--header", f"X-Mark: {plain}", "--rate", "20", "--duration", "1s",
                    "--html", "report.html", "--slo", "p99<50ms"], cwd=book, capture_output=True, timeout=60)
    server.shutdown()
    rendered = subprocess.run([nb, "render", "hostile.md"], cwd=book, capture_output=True, timeout=60)
    if rendered.returncode == 0:
        (book / "rendered.html").write_bytes(rendered.stdout)
    return sorted((book / "_site").glob("*.html")), [one for one in (book / "report.html", book / "rendered.html") if one.exists()]


def look(browser, page_path, name, faults):
    # Escaping alone must hold: the policy would hide a hole.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.on("dialog", lambda dialog: (faults.append(f"{name}: {page_path.name}: it executed: alert({dialog.message})"), dialog.dismiss()))
    page.goto(page_path.as_uri())
    for bad in page.evaluate(LOOK):
        faults.append(f"{name}: {page_path.name}: {bad}")
    context.close()


def search_words(browser, site, faults):
    """What is typed into the search, and what is found, is text."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.on("dialog", lambda dialog: (faults.append(f"search: it executed: alert({dialog.message})"), dialog.dismiss()))
    page.goto((site / "index.html").as_uri() + "?q=%3Cimg%20src=x%20onerror=alert(9)%3E#%3Cimg%20src=x%20onerror=alert(9)%3E")
    if page.locator("#search-input").is_visible():
        for words in (MARKUP, "<img src=x onerror=alert(8)>", "onerror", "script"):
            page.fill("#search-input", words)
            page.wait_for_timeout(150)
    for bad in page.evaluate(LOOK):
        faults.append(f"search: {bad}")
    context.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int)
    given = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        print(f"skipped: {error}")
        return
    program = os.environ.get("NB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        print("skipped: there is no Chromium")
        return
    folder = Path(tempfile.mkdtemp(prefix="nb-injection-"))
    nb = str(Path(given.nb).resolve())
    faults, looked, empty = [], 0, []
    try:
        todo = list(attacks(nb, folder))
        if given.sample and given.sample < len(todo):
            chosen = random.Random(9).sample(range(len(todo) - 1), given.sample - 1) + [len(todo) - 1]
            todo = [todo[i] for i in sorted(chosen)]
        with sync_playwright() as play, concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
            for attack, built in zip(todo, pool.map(Attack.build, todo)):
                if not built:
                    empty.append(attack.name)
                for page in built:
                    text = page.read_bytes()
                    if b"http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'" not in text or b"unsafe-inline" in text:
                        faults.append(f"{attack.name}: {page.name} has no content policy")
                    # Pages without a trace of the payload are those of every other field.
                    if b"alert(" in text or b"alert%28" in text:
                        look(browser, page, attack.name, faults)
                        looked += 1
                if built and attack.name in ("markdown",):
                    search_words(browser, attack.root / "_site", faults)
                shutil.rmtree(attack.root, ignore_errors=True)
            pages, alone = ran(nb, folder)
            for page in pages + alone:
                look(browser, page, "ran", faults)
                looked += 1
            if not pages or not alone:
                faults.append("ran: there is no page, or no report")
            browser.close()
        print(f"{len(todo)} hostile courses, {looked} pages with a payload looked at, {len(empty)} refused to build, {len(faults)} faults")
        for one in faults[:40]:
            print("  " + one)
        sys.exit(1 if faults or not looked else 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
