"""The site's builder beside hugo: lessons of real size (copies of this course's, under their own ids), an equal theme.

    python3 Tests/Bench/site.py .build/release/nb [--lessons 1000] [--rounds 3]

Prints cold builds of both in alternation, twice the lessons, one changed lesson, nothing changed, and what a first search costs. hugo is
optional. It gets the same Markdown (perf blocks as YAML), a layout with navigation, contents and neighbours, highlighted code and a
full-text index, and no plots; nb plans every block and draws every plot besides.
"""
import argparse
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NOTEBOOKS = os.path.join(HERE, "../../Notebooks")
THEMES = os.path.join(HERE, "../../Themes")


def make_course(folder, count):
    """Copies of the lessons; every copy has its own day, id and links, and words of its own so that search has a vocabulary."""
    notebooks = os.path.join(folder, "Notebooks")
    os.makedirs(notebooks + "/results", exist_ok=True)
    # What lessons link to.
    for part in ("glossary.md", "optimization-log.md", "vendors.md", "results/vendors.json"):
        shutil.copy(os.path.join(NOTEBOOKS, part), os.path.join(notebooks, part))
    for part in ("market", "data"):
        shutil.copytree(os.path.join(NOTEBOOKS, part), os.path.join(notebooks, part), dirs_exist_ok=True)
    days = sorted(glob.glob(NOTEBOOKS + "/day[0-9][0-9].md"))
    names = []
    for i in range(count):
        stem = os.path.basename(days[i % len(days)])[:-3]
        name = f"lesson{i + 1:04}"
        text = open(days[i % len(days)]).read()
        text = re.sub(rf"^id: {stem}$", f"id: {name}", text, flags=re.M)
        text = re.sub(r"^day: \d+$", f"day: {i + 1}", text, flags=re.M)
        text = re.sub(r"^title: (.*)$", rf"title: \1 ({i + 1})", text, count=1, flags=re.M)
        text = re.sub(r"\(day(\d\d)\.md", lambda m: f"(lesson{(int(m.group(1)) - 1) % count + 1:04}.md", text)
        text += f"\nWords of its own: {' '.join(f'w{(i * 7919 + j * 104729) % 50021:x}' for j in range(40))}.\n"
        open(f"{notebooks}/{name}.md", "w").write(text)
        results = f"{NOTEBOOKS}/results/{stem}.json"
        if os.path.exists(results):
            shutil.copy(results, f"{notebooks}/results/{name}.json")
        names.append(name)
    vendors = open(notebooks + "/vendors.md").read()
    open(notebooks + "/vendors.md", "w").write(re.sub(r"\(day(\d\d)\.md", r"(lesson00\1.md", vendors))
    course = open(NOTEBOOKS + "/course.yml").read()
    course = re.sub(r"^lessons:.*$", "lessons: [" + ", ".join(names + ["vendors"]) + "]", course, flags=re.M)
    open(notebooks + "/course.yml", "w").write(course)
    return notebooks


SINGLE = """{{ define "contents" }}<nav class="contents"><details open><summary>On this page</summary>{{ .TableOfContents }}</details></nav>{{ end }}
{{ define "main" }}<article>{{ .Content }}</article><nav class="neighbours">{{ with .PrevInSection }}<a rel="prev" href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}{{ with .NextInSection }}<a rel="next" href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}</nav>{{ end }}
"""
BASE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{ .Title }} · {{ .Site.Title }}</title><link rel="stylesheet" href="/style.css"></head>
<body><header><p><a href="/">{{ .Site.Title }}</a></p></header><div class="columns">{{ block "contents" . }}{{ end }}<main id="main">{{ block "main" . }}{{ end }}</main></div></body></html>
"""
HOME = """{{ define "main" }}<h1>{{ .Site.Title }}</h1><ol>{{ range .Site.RegularPages.ByWeight }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}</ol>{{ end }}
"""
INDEX = """[{{ range $i, $p := .Site.RegularPages }}{{ if $i }},{{ end }}{{ dict "title" .Title "href" .RelPermalink "text" .Plain | jsonify }}{{ end }}]
"""
CONFIG = """baseURL = "http://example.org/"
title = "Course"
disableKinds = ["taxonomy", "term", "RSS"]
[markup.highlight]
  noClasses = false
[markup.goldmark.renderer]
  unsafe = true
[outputs]
  home = ["HTML", "JSON"]
"""


def make_hugo(folder, notebooks):
    for part in ("content", "layouts/_default", "static"):
        os.makedirs(os.path.join(folder, part))
    for path, text in (("config.toml", CONFIG), ("layouts/_default/baseof.html", BASE), ("layouts/_default/single.html", SINGLE),
                       ("layouts/index.html", HOME), ("layouts/index.json", INDEX)):
        open(os.path.join(folder, path), "w").write(text)
    shutil.copy(os.path.join(THEMES, "default/style.css"), folder + "/static/style.css")
    for i, path in enumerate(sorted(glob.glob(notebooks + "/lesson*.md"))):
        text = open(path).read()
        title = re.search(r"^# (.*)$", text, flags=re.M).group(1).replace('"', "'")
        text = re.sub(r"^(```[a-z]+) #.*$", r"\1", text.replace("```perf", "```yaml"), flags=re.M)
        text = re.sub(r"\{\{[^}]*\}\}", "x", text)
        open(f"{folder}/content/{os.path.basename(path)}", "w").write(f'---\ntitle: "{title}"\nweight: {i + 1}\n---\n{text}')


def timed(command, cwd):
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return time.perf_counter() - start, done.stderr


def median(values):
    return f"{statistics.median(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


def cold(nb, folder):
    for part in ("_site", ".nb"):
        shutil.rmtree(os.path.join(folder, part), ignore_errors=True)
    return timed([nb, "build"], folder)[0]


def first_query(site, query):
    """Bytes that a page loads for a first search: what search.js asks for, counted by its own rules."""
    script = os.path.getsize(site + "/search.js")
    index = open(site + "/search/index.js").read()
    count = int(re.match(r"nbSearch\.index\((\d+),", index).group(1))
    hashed = 2166136261
    for byte in query[:3].encode():
        hashed = ((hashed ^ byte) * 16777619) & 0xFFFFFFFF
    shard = os.path.getsize(f"{site}/search/s{hashed % count}.js")
    details = sorted((os.path.getsize(path) for path in glob.glob(site + "/search/p/*.js")), reverse=True)[:6]
    return script + len(index.encode()) + shard + sum(details), (script, len(index.encode()), shard, sum(details))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("nb")
    options.add_argument("--lessons", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    nb = os.path.realpath(options.nb)
    with tempfile.TemporaryDirectory() as folder:
        course = os.path.join(folder, "course")
        notebooks = make_course(course, options.lessons)
        hugo = shutil.which("hugo")
        if hugo:
            make_hugo(os.path.join(folder, "hugo"), notebooks)
        else:
            print("hugo is not installed: nb alone")
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(cold(nb, course))
            if hugo:
                shutil.rmtree(os.path.join(folder, "hugo/public"), ignore_errors=True)
                theirs.append(timed([hugo, "--quiet"], os.path.join(folder, "hugo"))[0])
        print(f"{options.lessons} lessons, cold, s:  nb {median(ours)}" + (f"  hugo {median(theirs)}" if hugo else ""))

        # What the builds before left to be written to the disk is not this measurement's.
        os.sync()
        nothing = [timed([nb, "build"], course)[0] * 1e3 for _ in range(20)]
        print(f"nothing changed, ms:  {median(nothing)}")
        path = os.path.join(notebooks, f"lesson{options.lessons // 2:04}.md")
        text = open(path).read()
        changed = []
        for i in range(15):
            open(path, "w").write(text + f"\nAnother sentence of number{i * 37}.\n")
            took, said = timed([nb, "build"], course)
            changed.append(took * 1e3)
            assert " files written" in said and " 0 files" not in said, said
            time.sleep(0.1)
        print(f"one changed lesson, ms:  {median(changed)}")

        half = os.path.join(folder, "half")
        make_course(half, options.lessons // 2)
        halves, wholes = [], []
        for _ in range(options.rounds):
            halves.append(cold(nb, half))
            wholes.append(cold(nb, course))
        print(f"{options.lessons // 2} → {options.lessons} lessons:  × {statistics.median(wholes) / statistics.median(halves):.3f} "
              f"({median(halves)} s → {median(wholes)} s)")
        if options.lessons >= 500:
            small = os.path.join(folder, "small")
            make_course(small, 500)
            cold(nb, small)
            for query in ("latency", "cache", "percentile", "constant", "process"):
                total, parts = first_query(small + "/_site", query)
                print(f"first search for `{query}` among 500 pages: {total / 1000:.1f} kB as files "
                      f"(script {parts[0]}, pages {parts[1]}, words {parts[2]}, results at most {parts[3]})")


if __name__ == "__main__":
    sys.exit(main())
