#!/usr/bin/env python3
"""One code fence against itself and against itself with 2 % more work: how often `nb bench` says faster or slower, and how
often its interval excludes 1, within a budget.

Usage: fences.py path/to/nb [--runs 100] [--budget 2]
Each run has another seed. Prints counts, judges nothing.
"""
import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

CHAIN = "for (long i = 0; i < %d; i++) %s = (%s ^ (%s >> 29)) * 0xBF58476D1CE4E5B9UL;"
PLAIN = "long subject(long n) { unsigned long s = 808; " + CHAIN % (100000, "s", "s", "s") + " return (long)(s >> 1); }"
MORE = ("static volatile unsigned long trail;\nlong subject(long n) { unsigned long s = 808; " + CHAIN % (100000, "s", "s", "s")
        + " unsigned long t = s; " + CHAIN % (2000, "t", "t", "t") + " trail = t; return (long)(s >> 1); }")
NOTEBOOK = "# Fences\n\n" + "\n".join("```c #%s\n%s\n```\n" % (name, text) for name, text in
                                     [("one", PLAIN), ("two", PLAIN + "\n"), ("more", MORE)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--budget", type=float, default=2)
    given = parser.parse_args()
    nb = os.path.abspath(given.nb)
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        with open(os.path.join(folder, "f.md"), "w") as out:
            out.write(NOTEBOOK)
        for title, other in (("identical fences", "two"), ("2 % more work", "more")):
            verdicts, excluded, widths, pairs = collections.Counter(), 0, [], []
            for seed in range(1, given.runs + 1):
                done = subprocess.run(
                    [nb, "bench", "f.md#one", f"f.md#{other}", "--trust", "--budget", f"{given.budget}s", "--seed", str(seed), "--json"],
                    cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
                if done.returncode != 0:
                    sys.exit(done.stderr.decode())
                found = json.loads(done.stdout)
                low, high = found["interval"] or (0, float("inf"))
                verdicts[found["verdict"]] += 1
                excluded += not low <= 1 <= high
                widths.append(high - low)
                pairs.append(found["pairs"])
            print(f"{title}, {given.runs} runs of at most {given.budget:g} s: " + ", ".join(f"{n} {v}" for v, n in sorted(verdicts.items()))
                  + f"; the interval excludes 1 in {excluded}; median width {100 * statistics.median(widths):.2f} %, "
                  f"median {statistics.median(pairs):.0f} pairs")


main()
