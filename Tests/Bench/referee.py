#!/usr/bin/env python3
"""Load generators at the referee, an independent witness: when their requests really arrived, beside what they
report of themselves.

Usage: referee.py path/to/nb [--rate 1000] [--duration 5] [--connections 64] [--rounds 3] [--service 100us]
       referee.py --referee 'path/to/program arguments' …      a referee that is no `nb lab referee`
Every tool found on PATH runs in alternation (order reversed every other round), the referee on the first
CPU and the generator on the second. Prints numbers and what was skipped; judges nothing.

The send error of a constant-rate tool is taken against its ideal schedule t0 + k/rate, the k-th request in order
of arrival. Its start is nowhere recorded, so t0 is the latest start that makes no request early: a shift and the
smallest transit are thereby subtracted. `spread` is the p99 of the distance from the median offset, which is the
error about the best shift and does not depend on the one earliest request. `global` is one comb over all requests,
`per connection` one comb of rate/connections each, for tools that pace every connection by itself; the rate of a
comb is the asked one where `asked`, and the least-squares rate of the arrivals where `fitted`.
"""
import argparse
import array
import json
import math
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request


class Referee:
    """A running referee and its control port."""

    def __init__(self, command, options, cpu):
        self.process = subprocess.Popen(pinned(command + options, cpu), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        # A referee that says nothing is ended, which ends the reading below.
        timer = threading.Timer(20, self.process.kill)
        timer.start()
        lines = [self.process.stdout.readline().split() for _ in range(2)]
        timer.cancel()
        if not all(lines):
            self.process.kill()
            sys.exit(f"referee.py: {' '.join(command)} did not start")
        lines = [words[-1] for words in lines]
        self.url, self.control_url = lines[0] + "/", lines[1]

    def control(self, name):
        with urllib.request.urlopen(self.control_url + name, timeout=60) as answer:
            return answer.read()

    def column(self, name):
        numbers = array.array("q")
        numbers.frombytes(self.control(name))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


def pinned(command, cpu):
    return ["taskset", "-c", str(cpu)] + command if cpu is not None and shutil.which("taskset") else command


# --- What each tool is asked, and what it says of itself (latencies in µs). `combs`: how it says it paces.

def duration_us(text):
    found = re.fullmatch(r"([\d.]+)\s*(ns|us|µs|ms|s|m)?", text.strip())
    scale = {"ns": 1e-3, "us": 1, "µs": 1, "ms": 1e3, "s": 1e6, "m": 6e7, None: 1}
    return float(found.group(1)) * scale[found.group(2)] if found else None


def first(pattern, text, scale=None):
    found = re.search(pattern, text, re.M)
    if not found:
        return None
    return duration_us(found.group(1)) if scale is None else float(found.group(1)) * scale


def nb_command(given, url, _):
    command = shlex.split(given.nb_load) if given.nb_load else [given.nb, "load"]
    return command + [url, "--rate", f"{given.rate:g}", "--duration", f"{given.duration}s", "--arrivals", "uniform", "--connections", str(given.connections), "--json"]


def nb_report(text, _):
    try:
        report = json.loads(text[text.index("{"):])
    except ValueError:
        return None, None
    times = report.get("response_time") or {}
    return tuple(times[name] / 1e3 if isinstance(times.get(name), (int, float)) else None for name in ("p50", "p99"))


def wrk_command(given, url, _):
    return ["wrk", "-t", "1", "-c", str(given.connections), "-d", f"{given.duration}s", "--latency", url]


def wrk2_command(given, url, _):
    return ["wrk2", "-t", "1", "-c", str(given.connections), "-d", f"{given.duration}s", "-R", f"{given.rate:g}", "--latency", url]


def wrk_report(text, _):
    return first(r"^\s+50(?:\.000)?%\s+(\S+)", text), first(r"^\s+99(?:\.000)?%\s+(\S+)", text)


def hey_command(given, url, _):
    # hey's rate is per worker.
    return ["hey", "-z", f"{given.duration}s", "-c", str(given.connections), "-q", f"{given.rate / given.connections:g}", url]


def hey_report(text, _):
    return first(r"50%%? in ([\d.]+) secs", text, 1e6), first(r"99%%? in ([\d.]+) secs", text, 1e6)


K6_SCRIPT = """import http from 'k6/http';
export const options = { scenarios: { s: { executor: 'constant-arrival-rate', rate: %g, timeUnit: '1s',
  duration: '%ds', preAllocatedVUs: %d, maxVUs: %d } }, summaryTrendStats: ['med', 'p(99)'] };
export default function () { http.get('%s'); }
"""


def k6_command(given, url, folder):
    path = os.path.join(folder, "k6.js")
    with open(path, "w") as out:
        out.write(K6_SCRIPT % (given.rate, given.duration, given.connections, given.connections * 4, url))
    return ["k6", "run", "--quiet", "--no-usage-report", "--summary-export", os.path.join(folder, "k6.json"), path]


def k6_report(_, folder):
    try:
        with open(os.path.join(folder, "k6.json")) as file:
            values = json.load(file)["metrics"]["http_req_duration"]
    except (OSError, ValueError, KeyError):
        return None, None
    values = values.get("values", values)
    return tuple(values[name] * 1e3 if name in values else None for name in ("med", "p(99)"))


def h2load_command(given, url, _):
    return ["h2load", "--h1", "-t", "1", "-c", str(given.connections), "-D", str(given.duration), url]


def ab_command(given, url, _):
    return ["ab", "-k", "-q", "-t", str(given.duration), "-n", "100000000", "-c", str(given.connections), url]


def ab_report(text, _):
    return first(r"^\s+50%\s+(\d+)", text, 1e3), first(r"^\s+99%\s+(\d+)", text, 1e3)


LOCUST_FILE = """from locust import FastHttpUser, task, constant_throughput
class U(FastHttpUser):
    wait_time = constant_throughput(%g)
    @task
    def get(self): self.client.get("/")
"""


def locust_command(given, url, folder):
    path = os.path.join(folder, "locustfile.py")
    with open(path, "w") as out:
        out.write(LOCUST_FILE % (given.rate / given.connections))
    return ["locust", "-f", path, "--headless", "-u", str(given.connections), "-r", str(given.connections), "-t",
            f"{given.duration}s", "-H", url.rstrip("/"), "--csv", os.path.join(folder, "locust"), "--only-summary"]


def locust_report(_, folder):
    try:
        with open(os.path.join(folder, "locust_stats.csv")) as file:
            names, *rows = [line.rstrip().split(",") for line in file]
    except OSError:
        return None, None
    last = dict(zip(names, rows[-1])) if rows else {}
    return tuple(float(last[name]) * 1e3 if last.get(name, "").replace(".", "").isdigit() else None for name in ("50%", "99%"))


def nothing(_, __):
    return None, None


# name: (program, command, report, pace). Pace None: closed, as fast as answers come.
TOOLS = {
    "nb load": (None, nb_command, nb_report, "global"),
    "wrk2": ("wrk2", wrk2_command, wrk_report, "per connection"),
    "k6": ("k6", k6_command, k6_report, "global"),
    "hey -q": ("hey", hey_command, hey_report, "per connection"),
    "locust": ("locust", locust_command, locust_report, "per connection"),
    "wrk": ("wrk", wrk_command, wrk_report, None),
    "h2load": ("h2load", h2load_command, nothing, None),
    "ab -k": ("ab", ab_command, ab_report, None),
}


def has_load(given):
    if given.nb_load:
        return True
    if not given.nb:
        return False
    done = subprocess.run([given.nb, "load", "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode == 0 and "--rate" in done.stdout


def found_tools(given):
    tools, skipped = [], []
    for name, (program, _, _, _) in TOOLS.items():
        if given.tools and name.split()[0] not in given.tools:
            skipped.append(f"{name} (not asked for)")
        elif program is None and not has_load(given):
            skipped.append(f"{name} (this nb has no `load --rate`)")
        elif program is not None and not shutil.which(program):
            skipped.append(f"{name} (not on PATH)")
        else:
            tools.append(name)
    return tools, skipped


# --- Arrivals against a comb.

def quantile(ordered, q):
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def period_fitted(stamps):
    """Least-squares slope of the k-th arrival on k: ns per request."""
    n = len(stamps)
    middle, zero = (n - 1) / 2, stamps[0]
    mean = sum(s - zero for s in stamps) / n
    return sum((k - middle) * (s - zero - mean) for k, s in enumerate(stamps)) / (n * (n * n - 1) / 12)


def lateness(stamps, period):
    """Offsets from the comb in ns, its start shifted so that none is early."""
    offsets = sorted(s - stamps[0] - k * period for k, s in enumerate(stamps))
    return [o - offsets[0] for o in offsets]


def spread(late):
    """p99 of the distance from the median."""
    center = quantile(late, 0.5)
    return quantile(sorted(abs(o - center) for o in late), 0.99)


def combs(stamps, connections, rate, pace):
    """Rows (comb, sorted lateness) of one run."""
    rows = []
    ordered = sorted(stamps)
    if len(ordered) < 10:
        return rows
    rows.append(("global, asked", lateness(ordered, 1e9 / rate)))
    rows.append(("global, fitted", lateness(ordered, period_fitted(ordered))))
    if pace == "per connection":
        own = {}
        for stamp, connection in zip(stamps, connections):
            own.setdefault(connection, []).append(stamp)
        own = [sorted(s) for s in own.values() if len(s) >= 10]
        if own:
            rows.append(("per connection, asked", sorted(o for s in own for o in lateness(s, 1e9 * len(own) / rate))))
            rows.append(("per connection, fitted", sorted(o for s in own for o in lateness(s, period_fitted(s)))))
    return rows


def run(name, given, referee, folder):
    _, command, report, pace = TOOLS[name]
    referee.control("reset")
    line = pinned(command(given, referee.url, folder), given.generator_cpu)
    try:
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=given.duration * 4 + 60, cwd=folder)
    except subprocess.TimeoutExpired:
        return {"name": name, "failed": "did not end in time"}
    summary = json.loads(referee.control("summary"))
    if done.returncode not in (0, 99) or summary["kept"] < 2:
        return {"name": name, "failed": f"exit {done.returncode}, {summary['count']} requests: {done.stderr.strip()[-300:]}"}
    stamps = referee.column("arrivals")
    p50, p99 = report(done.stdout, folder)
    return {"name": name, "rate": summary.get("rate"), "count": summary["count"], "p50": p50, "p99": p99,
            "own": summary.get("response_time") or {}, "ks": summary.get("ks_exponential"), "cpu": summary["cpu_ns"],
            "combs": combs(stamps, referee.column("connections"), given.rate, pace) if pace else []}


def micro(ns):
    return "–" if ns is None else f"{ns / 1e3:.1f}"


def middle(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def show(results, given):
    print(f"\n{'tool':<10}{'runs':>5}{'requests':>10}{'rate/s':>11}{'p50 said':>10}{'p50 seen':>10}{'p99 said':>11}{'p99 seen':>11}"
          f"{'KS exp':>8}{'referee µs/rq':>15}")
    print("  medians of the runs; said: by the tool; seen: kernel arrival to sent, at the referee; µs, – where not given")
    for name, runs in results.items():
        good = [r for r in runs if "failed" not in r]
        for failed in (r for r in runs if "failed" in r):
            print(f"{name:<10} failed: {failed['failed']}")
        if not good:
            continue
        said = [middle([None if r[q] is None else r[q] * 1e3 for r in good]) for q in ("p50", "p99")]
        seen = [middle([r["own"].get(q) for r in good]) for q in ("p50", "p99")]
        print(f"{name:<10}{len(good):>5}{middle([r['count'] for r in good]):>10.0f}{middle([r['rate'] for r in good]):>11.1f}"
              f"{micro(said[0]):>10}{micro(seen[0]):>10}{micro(said[1]):>11}{micro(seen[1]):>11}"
              f"{middle([r['ks'] for r in good]) or 0:>8.3f}{middle([r['cpu'] / r['count'] / 1e3 for r in good]):>15.2f}")
    print(f"\nsend error against t0 + k/rate, {given.rate:g}/s, µs; medians of the runs")
    print(f"{'tool':<10}{'comb':<24}{'p50':>10}{'p99':>11}{'max':>12}{'spread':>11}")
    for name, runs in results.items():
        kinds = {}
        for r in runs:
            for kind, late in r.get("combs", []):
                kinds.setdefault(kind, []).append([quantile(late, 0.5), quantile(late, 0.99), late[-1], spread(late)])
        for kind, rows in kinds.items():
            print(f"{name:<10}{kind:<24}" + "".join(f"{micro(middle([row[i] for row in rows])):>{w}}" for i, w in enumerate((10, 11, 12, 11))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb", nargs="?", help="path to nb")
    parser.add_argument("--referee", help="another command that starts a referee")
    parser.add_argument("--nb-load", help="another command in the place of `nb load`")
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--duration", type=int, default=5, help="seconds a run")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--service", default="100us")
    parser.add_argument("--referee-options", default="", help="more options for the referee")
    parser.add_argument("--tools", help="only these, with commas: nb,wrk,wrk2,hey,k6,h2load,ab,locust")
    given = parser.parse_args()
    given.nb = os.path.abspath(given.nb) if given.nb else None
    given.tools = given.tools.split(",") if given.tools else None
    if not given.nb and not given.referee:
        parser.error("name nb, or --referee")
    cpus = sorted(os.sched_getaffinity(0))
    given.generator_cpu = cpus[1] if len(cpus) > 1 else None
    tools, skipped = found_tools(given)
    command = shlex.split(given.referee) if given.referee else [given.nb, "lab", "referee"]
    referee = Referee(command, ["--service", given.service] + shlex.split(given.referee_options), cpus[0] if len(cpus) > 1 else None)
    print(f"referee: service {given.service} {given.referee_options}; {given.connections} connections, {given.duration} s a run, "
          f"{given.rounds} rounds" + ("" if len(cpus) > 1 else "; one CPU: nothing is pinned"))
    for text in skipped:
        print(f"skipped: {text}")
    results = {name: [] for name in tools}
    with tempfile.TemporaryDirectory(prefix="nb-referee-") as folder:
        for round in range(given.rounds):
            for name in tools if round % 2 == 0 else reversed(tools):
                results[name].append(run(name, given, referee, folder))
    clock = json.loads(referee.control("summary"))["clock"]
    referee.end()
    show(results, given)
    print(f"\nreferee's clock: offset known to ±{clock['uncertainty_ns']} ns, {clock['steps']} steps, {clock['doubtful']} doubtful stamps")


main()
