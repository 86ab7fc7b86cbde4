#!/usr/bin/env python3
"""The lab beside other tools: X = N/(S+Z) by wrk, hey and Locust, requests per CPU-second of an empty route, what counters and telemetry cost.

Usage: lab.py path/to/nb [--rounds 3] [--seconds 5] [--only law,ceiling,counters,telemetry]
Each tool's own figure is printed beside the law's; peers that are not on the PATH are named and skipped. Judges nothing.
The lab is told on its command line what to serve; everything is on loopback and ended.
"""
import argparse
import csv
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

SYSTEMS = """```perf
kind: system
id: timed
origin:
  workers: 64
  queue: {limit: 10000}
  routes:
    GET /timed:
      - wait: {dist: constant, mean: 20ms, stands_for: a party that takes its time}
```

```perf
kind: system
id: full
origin:
  workers: 4
  queue: {limit: 10000}
  routes:
    GET /timed:
      - wait: {dist: constant, mean: 20ms, stands_for: a party that takes its time}
```

```perf
kind: system
id: empty
origin:
  workers: 64
  routes:
    GET /empty: [{bytes: {size: 0B}}]
    GET /work: [{cpu: {work: spin, units: 200}}]
    GET /ten:
""" + "".join(f"      - error: {{as: e{i}, share: 0}}\n" for i in range(10)) + "      - bytes: {size: 0B}\n```\n"

LOCUST = """from locust import FastHttpUser, constant, task
class One(FastHttpUser):
    wait_time = constant({think})
    @task
    def ask(self): self.client.get("/timed")
"""


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu)] + command if shutil.which("taskset") and os.cpu_count() > 1 else command


class Lab:
    """A served system of the notebook above; `cpu()` is what its process has used, in seconds."""

    def __init__(self, nb, folder, system, environment=None, overrides=()):
        self.process = subprocess.Popen(
            pinned(0, [nb, "lab", "serve", f"{folder}/systems.md#{system}", *[word for one in overrides for word in ("--set", one)]]), stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})})
        self.url = re.search(r"http://\S+", self.process.stdout.readline()).group().rstrip("/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def output(command, **options):
    return subprocess.run(pinned(1, command), capture_output=True, text=True, stdin=subprocess.DEVNULL, **options).stdout


def wrk(url, users, seconds):
    """Requests in all, and per second."""
    said = output(["wrk", "-t1", f"-c{users}", f"-d{seconds}s", url])
    return int(re.search(r"(\d+) requests in", said).group(1)), float(re.search(r"Requests/sec:\s*([\d.]+)", said).group(1))


def hey(url, users, seconds):
    said = output(["hey", "-z", f"{seconds}s", "-c", str(users), url])
    return None, float(re.search(r"Requests/sec:\s*([\d.]+)", said).group(1))


def locust(url, users, seconds, think, folder):
    """Its own count over the time between its first and its last full second, all users being there from the start."""
    with open(f"{folder}/ask.py", "w") as script:
        script.write(LOCUST.format(think=think))
    base = url.rpartition("/")[0]
    subprocess.run(
        pinned(1, ["locust", "-f", f"{folder}/ask.py", "--headless", "-u", str(users), "-r", str(users), "-t", f"{seconds + 3}s", "--host", base,
                   "--csv", f"{folder}/ask", "--csv-full-history", "--only-summary", "--reset-stats"]), capture_output=True, stdin=subprocess.DEVNULL)
    with open(f"{folder}/ask_stats_history.csv") as history:
        rows = [(int(row["Timestamp"]), int(row["Total Request Count"])) for row in csv.DictReader(history) if row["Name"] == "Aggregated"]
    rows = [row for row in rows if row[1] > 0][1:-1]
    return None, (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0])


def law(nb, folder, options):
    print("X = N/(S+Z), S = 20 ms; beyond the workers X = 4/S")
    cases = [("timed", n, 0) for n in (1, 8, 32)] + [("full", 32, 0), ("timed", 20, 0.1), ("timed", 50, 0.1)]
    for system, users, think in cases:
        expected = min(users / (0.02 + think), (4 if system == "full" else 64) / 0.02)
        for name in ("wrk", "hey", "locust"):
            if not shutil.which(name):
                print(f"  {name}: not on the PATH, skipped")
                continue
            if think and name != "locust":
                continue
            rates = []
            for _ in range(options.rounds):
                with Lab(nb, folder, system) as lab:
                    url = lab.url + "/timed"
                    rates.append((wrk if name == "wrk" else hey)(url, users, options.seconds)[1] if name != "locust" else locust(url, users, options.seconds, think, folder)[1])
            found = statistics.median(rates)
            print(f"  {name:7} {system:6} N {users:3}  Z {think * 1000:3.0f} ms  X {found:8.1f}/s  law {expected:8.1f}/s  {found / expected - 1:+.1%}")


def per_cpu_second(lab, path, options, users=32):
    before = lab.cpu()
    count, _ = wrk(lab.url + path, users, options.seconds)
    return count / (lab.cpu() - before)


def ceiling(nb, folder, options):
    print("requests per CPU-second of the lab's process, an empty route, wrk with 32 and 256 connections")
    for users in (32, 256):
        with Lab(nb, folder, "empty") as lab:
            rates = [per_cpu_second(lab, "/empty", options, users) for _ in range(options.rounds)]
        print(f"  {users:3} connections  {statistics.median(rates):9,.0f}  ({min(rates):,.0f} … {max(rates):,.0f})")


def counters(nb, folder, options):
    """A role's own counters by their switch, and stages that do nothing but be entered, counted and left: what one costs is more than its counters do."""
    print("CPU time of a request with a role's counters on and off, and with 0 and 10 stages that only count, in alternation")
    times = {"on": [], "off": [], "/ten": []}
    with Lab(nb, folder, "empty") as lab, Lab(nb, folder, "empty", {"NB_LAB_COUNTERS": "off"}) as silent:
        cases = [("on", lab, "/empty"), ("off", silent, "/empty"), ("/ten", lab, "/ten")]
        for i in range(2 * options.rounds):
            for name, one, path in cases[:: 1 if i % 2 else -1]:
                times[name].append(1e6 / per_cpu_second(one, path, options))
    on, off, ten = (statistics.median(times[name]) for name in ("on", "off", "/ten"))
    ratios = sorted(a / b for a, b in zip(times["on"], times["off"]))
    print(f"  off {off:.2f} µs, on {on:.2f} µs: a role's counters cost {statistics.median(ratios) - 1:+.2%} of an empty request ({ratios[0] - 1:+.2%} … {ratios[-1] - 1:+.2%})")
    print(f"  0 stages {on:.2f} µs, 10 stages {ten:.2f} µs: a stage with its counters costs {(ten - on) / 10 / on:.2%} of an empty request")


def telemetry(nb, folder, options):
    print("CPU time of a request with telemetry off, metrics, logs too, traces too (all of them, and a tenth), in alternation; encoding included")
    switches = {"off": [], "metrics": ["telemetry.metrics=true"], "+logs": ["telemetry.metrics=true", "telemetry.logs=true"]}
    switches["+traces"] = switches["+logs"] + ["telemetry.traces=1"]
    switches["+10pct"] = switches["+logs"] + ["telemetry.traces=10pct"]
    for path in ("/empty", "/work"):
        times = {name: [] for name in switches}
        for i in range(2 * options.rounds):
            for name in list(switches)[:: 1 if i % 2 else -1]:
                with Lab(nb, folder, "empty", overrides=switches[name]) as lab:
                    times[name].append(1e6 / per_cpu_second(lab, path, options))
        off = statistics.median(times["off"])
        for name, found in times.items():
            ratios = sorted(a / b for a, b in zip(found, times["off"]))
            print(f"  {path:7} {name:8} {statistics.median(found):7.2f} µs  {statistics.median(found) - off:+6.2f} µs  {statistics.median(ratios) - 1:+.1%}"
                  f" ({ratios[0] - 1:+.1%} … {ratios[-1] - 1:+.1%})")


PARTS = {"law": law, "ceiling": ceiling, "counters": counters, "telemetry": telemetry}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nb")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    nb = os.path.abspath(options.nb)
    if not shutil.which("wrk"):
        sys.exit("lab.py needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/systems.md", "w") as systems:
            systems.write(SYSTEMS)
        for part in options.only.split(","):
            PARTS[part](nb, folder, options)


if __name__ == "__main__":
    main()
