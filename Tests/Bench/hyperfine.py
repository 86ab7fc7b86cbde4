#!/usr/bin/env python3
"""nb bench beside hyperfine: false verdicts on one program against itself while another process loads the
machine, the width of both intervals at equal time, and what starting a process costs with each.

Usage: hyperfine.py path/to/nb [--repetitions 60] [--budget 1.0]
Runs alternate. hyperfine has no verdict: its exported times get the unpaired order-statistic interval of the
ratio of medians, as one would read its two `Time` lines; a difference is called where the two 95 % intervals
of the medians do not meet. Prints numbers, judges nothing.
"""
import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

# A program of about 4 ms that does nothing but compute.
WORK = ["awk", "BEGIN { for (i = 0; i < 40000; i++) s += i * i; print s }"]
LOAD = "import random, time\nr = random.Random(7)\nwhile True:\n    end = time.perf_counter() + r.uniform(0.01, 0.4)\n" \
       "    while time.perf_counter() < end: pass\n    time.sleep(r.uniform(0.01, 0.4))\n"


def command():
    return "awk 'BEGIN { for (i = 0; i < 40000; i++) s += i * i; print s }'"


def median_interval(values):
    """95 % by order statistics, the ranks of the exact binomial."""
    values = sorted(values)
    n = len(values)
    tail, k = 0.0, 0
    while True:
        tail += math.comb(n, k) / 2 ** n
        if tail > 0.025:
            break
        k += 1
    return values[k - 1], values[n - k]


def with_nb(nb, budget, folder, seed, quoted):
    done = subprocess.run([nb, "bench", quoted, quoted, "--budget", f"{budget}s", "--seed", str(seed), "--json"],
                          cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    found = json.loads(done.stdout)
    return found["verdict"], found["interval"], found["pairs"]


def with_hyperfine(runs, folder, quoted):
    path = os.path.join(folder, "h.json")
    subprocess.run(["hyperfine", "-N", "--style", "none", "--warmup", "1", "--runs", str(runs), "--export-json", path, quoted, quoted],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    a, b = (result["times"] for result in json.load(open(path))["results"])
    (al, ah), (bl, bh) = median_interval(a), median_interval(b)
    differs = ah < bl or bh < al
    return differs, math.log(ah / bl) - math.log(al / bh)


def spawn(nb, folder, rounds=10):
    """Wall time of one `true` with each, medians over alternating rounds, and of nothing but posix_spawn and wait."""
    rows = {"nb bench": [], "hyperfine -N": [], "posix_spawn + waitpid": []}
    true = shutil.which("true")
    for _ in range(rounds):
        path = os.path.join(folder, "s.json")
        out = subprocess.run([nb, "bench", true, "--pairs", "200", "--budget", "3s", "--export", "json"], cwd=folder,
                             capture_output=True, stdin=subprocess.DEVNULL, check=True).stdout
        rows["nb bench"].append(statistics.median(json.loads(out)["results"][0]["times"]))
        subprocess.run(["hyperfine", "-N", "--style", "none", "--warmup", "1", "--runs", "200", "--export-json", path, true],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        rows["hyperfine -N"].append(statistics.median(json.load(open(path))["results"][0]["times"]))
        times = []
        for _ in range(200):
            start = time.perf_counter()
            os.waitpid(os.posix_spawn(true, [true], {}), 0)
            times.append(time.perf_counter() - start)
        rows["posix_spawn + waitpid"].append(statistics.median(times))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb")
    parser.add_argument("--repetitions", type=int, default=60)
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--no-spawn", action="store_true")
    given = parser.parse_args()
    nb = os.path.abspath(given.nb)
    if not shutil.which("hyperfine"):
        sys.exit("bench: no `hyperfine` program here (apt-get install hyperfine)")
    quoted = command()
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        if not given.no_spawn:
            rows = spawn(nb, folder)
            for name, values in rows.items():
                print(f"starting `true`: {name:<24}{statistics.median(values) * 1e6:8.0f} µs  "
                      f"[{min(values) * 1e6:.0f}, {max(values) * 1e6:.0f}]")
            ratios = [a / b for a, b in zip(rows["nb bench"], rows["hyperfine -N"])]
            print(f"nb ÷ hyperfine, median of alternating rounds: {statistics.median(ratios):.3f} [{min(ratios):.3f}, {max(ratios):.3f}]")
        load = subprocess.Popen([sys.executable, "-c", LOAD])
        try:
            verdicts, widths, differs, other = [], [], 0, []
            for repetition in range(given.repetitions):
                def ours():
                    verdict, interval, pairs = with_nb(nb, given.budget, folder, repetition + 1, quoted)
                    verdicts.append(verdict)
                    widths.append(math.log(interval[1] / interval[0]))
                    return pairs

                def theirs(runs):
                    found, width = with_hyperfine(runs, folder, quoted)
                    other.append(width)
                    return found

                # As many runs as nb took pairs: equal time.
                if repetition % 2 == 0 or repetition == 0:
                    pairs = ours()
                    differs += theirs(max(10, pairs))
                else:
                    differs += theirs(max(10, pairs))
                    pairs = ours()
        finally:
            load.terminate()
            load.wait()
    false = sum(v in ("faster", "slower") for v in verdicts)
    print(f"{given.repetitions} comparisons of `awk` with itself beside a process that takes a core half of the time:")
    print(f"  nb: {false} false verdicts, " + ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts))))
    print(f"  hyperfine: {differs} times the two intervals do not meet")
    print(f"  width of the interval of the ratio, median: nb {100 * statistics.median(widths):.2f} % (98.75 % by four looks), "
          f"hyperfine {100 * statistics.median(other):.2f} %")


main()
