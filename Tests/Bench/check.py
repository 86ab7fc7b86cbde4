#!/usr/bin/env python3
"""nb check on two hundred lessons: cold, warm, and after one of them changed; and that the cache hides nothing.

Usage: check.py path/to/nb [LESSONS]
The lessons are copies of the real ones with their results, in a folder of their own. Prints times and never judges by them;
fails when an answer from the cache is another than one without it.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

NB = os.path.realpath(sys.argv[1])
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 200
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPEATS = 7


def lay_out(folder):
    source = os.path.join(ROOT, "Notebooks")
    course = os.path.join(folder, "Notebooks")
    os.makedirs(os.path.join(course, "results"))
    for part in ("market", "data"):
        shutil.copytree(os.path.join(source, part), os.path.join(course, part))
    real = sorted(name[:-3] for name in os.listdir(source) if name.startswith("day") and name.endswith(".md"))
    names = [f"day{i + 1:03}" for i in range(COUNT)]
    for i, name in enumerate(names):
        text = open(os.path.join(source, real[i % len(real)] + ".md")).read()
        # No two are the same, and each leads to the next.
        text = text.rstrip("\n") + f"\n\nCopy {i} leads to [the next](day{(i + 1) % COUNT + 1:03}.md{'#1-performance-problem-8-min' if i % 10 == 0 else ''}).\n"
        open(os.path.join(course, name + ".md"), "w").write(text)
        shutil.copyfile(os.path.join(source, "results", real[i % len(real)] + ".json"), os.path.join(course, "results", name + ".json"))
    open(os.path.join(course, "vendors.md"), "w").write("# Vendors\n")
    open(os.path.join(course, "optimization-log.md"), "w").write("# Log\n")
    open(os.path.join(course, "course.yml"), "w").write("title: Two hundred\nlessons: [" + ", ".join(names) + "]\n")
    return course, names


def check(folder, *options):
    start = time.perf_counter()
    done = subprocess.run([NB, "check", *options], cwd=folder, capture_output=True)
    elapsed = time.perf_counter() - start
    if done.returncode not in (0, 1):
        sys.exit(f"nb check ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return elapsed, done.returncode, done.stdout + done.stderr


def spread(times):
    return f"median {statistics.median(times) * 1e3:6.0f} ms  [{min(times) * 1e3:.0f}, {max(times) * 1e3:.0f}]"


def same(what, a, b):
    if a[1:] != b[1:]:
        sys.exit(f"check.py: {what}: the cache answers otherwise than a check without it")


def main():
    folder = tempfile.mkdtemp(prefix="nb-check-bench-")
    try:
        course, names = lay_out(folder)
        cache = os.path.join(folder, ".nb/check.json")
        size = sum(os.path.getsize(os.path.join(course, name + ".md")) for name in names)
        print(f"{COUNT} lessons, {size / 1e6:.1f} MB of Markdown, {os.cpu_count()} cores; {REPEATS} runs each, files in the page cache")
        for options in ([], ["--strict"]):
            words = " ".join(["nb check"] + options)
            cold, warm = [], []
            plain = check(folder, "--no-cache", *options)
            for _ in range(REPEATS):
                if os.path.exists(cache):
                    os.unlink(cache)
                first = check(folder, *options)
                same(words + ", cold", plain, first)
                cold.append(first[0])
            for _ in range(REPEATS):
                again = check(folder, *options)
                same(words + ", warm", plain, again)
                warm.append(again[0])
            print(f"{words:20} cold  {spread(cold)}")
            print(f"{words:20} warm  {spread(warm)}")
            changed = []
            for i in range(REPEATS):
                with open(os.path.join(course, names[i * 7 % COUNT] + ".md"), "a") as lesson:
                    lesson.write(f"\nTODO: another word {i}\n")
                one = check(folder, *options)
                same(words + ", one changed", check(folder, "--no-cache", *options), one)
                changed.append(one[0])
            print(f"{words:20} one changed  {spread(changed)}")
        for format in ("json", "sarif"):
            same(format, check(folder, "--no-cache", "--format", format), check(folder, "--format", format))
        print("every answer from the cache was the one without it")
    finally:
        shutil.rmtree(folder)


main()
