#!/usr/bin/env python3
"""Runs the lessons of days 1–10 one after the other, and says of each how long its blocks took, what came out, and whether its
notebook is another than before.

Usage: course.py path/to/nb [--quick] [--copy] [--in=FOLDER] [day04 day05 …]

--copy runs a copy and leaves the notebooks as they are; --quick does so too, since a quick result is none to publish. FOLDER is
another course than Notebooks.
Exit codes: 1 a block failed, was INVALID or a lesson took longer than it may (60 s, quick 10 s; compiling is not counted);
2 a threshold failed; 3 one is open. A second run of a quiet machine ends as the first and changes no notebook.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
SECONDS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60}


def digest(folder, day):
    """The notebook and its results file, as bytes."""
    found = []
    for name in (f"{day}.md", f"results/{day}.json"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                found.append(file.read())
    return found


def run(nb, folder, day, quick):
    before, began = digest(folder, day), time.monotonic()
    done = subprocess.run([nb, "run", "--trust", f"{day}.md"] + ["--quick"] * quick, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = done.stderr
    took = re.search(r"the blocks took ([\d.]+) (\w+)", said)
    blocks = re.search(r"^(\d+) blocks: results in", said, re.M)
    agreed = re.search(r"^(\d+) of \d+ blocks agree", said, re.M)
    return {
        "day": day, "code": done.returncode, "took": took and float(took.group(1)) * SECONDS[took.group(2)], "all": time.monotonic() - began,
        "blocks": int(blocks.group(1)) if blocks else 0, "agreed": int(agreed.group(1)) if agreed else 0,
        "failed": re.findall(r"^threshold failed: (.*)", said, re.M), "open": re.findall(r"^inconclusive: (.*)", said, re.M),
        "broken": re.findall(r"^\[\d+/\d+\] (.*?  (?:FAILED|INVALID).*)", said, re.M), "absent": re.findall(r"^not run here: (.*)", said, re.M),
        "over": re.findall(r"^warning: (.* took .*)", said, re.M), "news": re.findall(r"^new result: (.*)", said, re.M),
        "changed": digest(folder, day) != before, "said": said,
    }


def report(one, limit):
    took = f"{one['took']:.1f} s" if one["took"] else "–"
    state = "changed" if one["changed"] else "unchanged"
    print(f"{one['day']}  {took:>7} of {limit} s  {one['blocks']:2} blocks, {one['agreed']:2} agree  "
          f"{len(one['failed'])} failed, {len(one['open'])} open, {len(one['broken'])} without a result  notebook {state}  exit {one['code']}", flush=True)
    for title in ("broken", "failed", "open", "absent", "over", "news"):
        for line in one[title]:
            print(f"         {title}: {line}", flush=True)
    if not one["took"]:
        print(one["said"][-2000:])


def main():
    words = sys.argv[1:]
    nb = os.path.realpath(words[0])
    quick = "--quick" in words
    days = [word for word in words[1:] if not word.startswith("--")] or [f"day{day:02}" for day in range(1, 11)]
    source = next((word[5:] for word in words if word.startswith("--in=")), os.path.join(ROOT, "Notebooks"))
    folder, limit = source, 10 if quick else 60
    copied = None
    if quick or "--copy" in words:
        copied = tempfile.mkdtemp(prefix="nb-course-")
        folder = os.path.join(copied, "Notebooks")
        shutil.copytree(source, folder)
        os.symlink(os.path.join(ROOT, "Themes"), os.path.join(copied, "Themes"))
    try:
        done = []
        for day in days:
            done.append(run(nb, folder, day, quick))
            report(done[-1], limit)
    finally:
        if copied:
            shutil.rmtree(copied)
    codes = {one["code"] for one in done} | {1 for one in done if not one["took"] or one["took"] > limit}
    print(f"{len(done)} lessons, {sum(one['took'] or 0 for one in done):.0f} s of blocks, {sum(one['all'] for one in done):.0f} s in all; "
          f"{sum(one['changed'] for one in done)} notebooks changed")
    sys.exit(next((code for code in (1, 2, 3) if code in codes), max(codes)))


main()
