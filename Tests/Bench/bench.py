#!/usr/bin/env python3
"""nb beside the cmark program: rendering a generated document, and nb's own start-up.

Usage: bench.py path/to/nb [--size MB] [--rounds N]
Runs alternate (A B, B A, …), so that a drifting machine favours nobody; medians and ratios are
printed, nothing is judged. Never touches the checkout: its document lives in a temporary folder.
"""
import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

WORDS = ("cache latency queue origin percentile the of and a mean request under load which *hit* **miss** "
         "`p99` [link](http://127.0.0.1/x) time service interval").split()


def document(size):
    """CommonMark of about `size` bytes: paragraphs, headings, lists, quotes, code; always the same."""
    draw = random.Random(808)
    parts, total = [], 0
    while total < size:
        line = " ".join(draw.choices(WORDS, k=draw.randint(8, 24)))
        kind = draw.randrange(12)
        if kind == 0:
            text = f"## {line}\n\n"
        elif kind == 1:
            text = "".join(f"- {' '.join(draw.choices(WORDS, k=6))}\n" for _ in range(5)) + "\n"
        elif kind == 2:
            text = f"> {line}\n\n"
        elif kind == 3:
            text = f"```\n{line}\n```\n\n"
        else:
            text = f"{line}\n{line[::-1].translate(str.maketrans('', '', '[]()*`_'))}\n\n"
        parts.append(text)
        total += len(text)
    return "".join(parts)


def seconds(command):
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} ended with {done.returncode}\n{done.stderr.decode()[-2000:]}")
    return elapsed


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle * 1e3:9.1f} [{low * 1e3:.1f}, {high * 1e3:.1f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb")
    parser.add_argument("--size", type=float, default=10, help="megabytes of the document")
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    nb = os.path.abspath(given.nb)
    lesson = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Notebooks/day08.md")
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        path = os.path.join(folder, "large.md")
        with open(path, "w") as out:
            out.write(document(int(given.size * 1e6)))
        commands = {f"nb render, {given.size:g} MB": [nb, "render", "--plain-commonmark", path]}
        if shutil.which("cmark"):
            commands[f"cmark, {given.size:g} MB"] = ["cmark", path]
        else:
            print("bench: no `cmark` program here (apt-get install cmark); nb is timed alone", file=sys.stderr)
        rows = measure(commands, given.rounds)
        rows |= measure({"nb --version": [nb, "--version"], "nb check day08.md": [nb, "check", "--quiet", lesson]}, given.rounds)
    print(f"{'command':<24}{'milliseconds, median [quartiles]':>36}")
    for name, values in rows.items():
        print(f"{name:<24}{quartiles(values):>36}")
    names = list(commands)
    if len(names) == 2:
        ratios = [b / a for a, b in zip(rows[names[0]], rows[names[1]])]
        print(f"cmark ÷ nb, median of paired ratios: {statistics.median(ratios):.3f} "
              f"[{min(ratios):.3f}, {max(ratios):.3f}]; above 1 nb is faster")


def measure(commands, rounds):
    rows = {name: [] for name in commands}
    for command in commands.values():
        seconds(command)  # file cache and dynamic linker
    for round in range(rounds):
        names = list(commands) if round % 2 == 0 else list(reversed(commands))
        for name in names:
            rows[name].append(seconds(commands[name]))
    return rows


main()
