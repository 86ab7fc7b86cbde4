#!/usr/bin/env python3
"""nb load at nginx and at the referee: cost beside wrk and h2load, truth against closed forms, memory.

Usage: load.py path/to/nb [--rounds 5] [--seconds 4] [--only cost,secure,stall,fixed,poisson,lag,memory,capacity]
The server runs on the first CPU and the generator on the second. Peers run in alternation, order reversed every
other round. Prints numbers and what was skipped; judges nothing. Everything it starts is on loopback and ended.
"""
import argparse
import array
import ctypes
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

NGINX = """worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "hello"; }} }} }}
"""


def pinned(cpu, command):
    return ["taskset", "-c", str(cpu)] + command if shutil.which("taskset") and os.cpu_count() > 1 else command


def run(command, **options):
    """Output and CPU seconds of a child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done.stdout.decode(), cpu, done


def load(nb, url, *words):
    out, cpu, done = run(pinned(1, [nb, "load", url, "--json", *words]))
    if not out:
        sys.exit("bench: nb load said: " + done.stderr.decode())
    return json.loads(out), cpu


class Referee:
    def __init__(self, nb, *words):
        self.process = subprocess.Popen(pinned(0, [nb, "lab", "referee", *words]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        self.control = self.process.stdout.readline().split()[-1].rstrip("/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, what):
        return urllib.request.urlopen(f"{self.control}/{what}").read()

    def numbers(self, what):
        found = array.array("q")
        found.frombytes(self.ask(what))
        return found


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, math.ceil(q * len(values)) - 1)]


def cost(nb, given):
    if not (shutil.which("nginx") and shutil.which("wrk")):
        return print("cost: skipped, nginx or wrk is not here")
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        port = 18099
        with open(f"{folder}/nginx.conf", "w") as out:
            out.write(NGINX.format(folder=folder, port=port))
        server = subprocess.Popen(pinned(0, ["nginx", "-c", f"{folder}/nginx.conf", "-p", folder]))
        time.sleep(0.5)
        url = f"http://127.0.0.1:{port}/"
        try:
            for connections in (32, 256):
                rows = {"nb": [], "wrk": []}
                for round in range(given.rounds):
                    for name in (("nb", "wrk") if round % 2 == 0 else ("wrk", "nb")):
                        if name == "nb":
                            found, cpu = load(nb, url, "--users", str(connections), "--duration", f"{given.seconds}s")
                            rows[name].append(found["requests"] / cpu)
                        else:
                            out, cpu, _ = run(pinned(1, ["wrk", "-t1", f"-c{connections}", f"-d{given.seconds}s", "--latency", url]))
                            count = int([line for line in out.splitlines() if "requests in" in line][0].split()[0])
                            rows[name].append(count / cpu)
                ratios = [a / b for a, b in zip(rows["nb"], rows["wrk"])]
                print(f"cost, {connections} connections: nb {statistics.median(rows['nb']) / 1e3:.1f} k, wrk {statistics.median(rows['wrk']) / 1e3:.1f} k "
                      f"requests per generator CPU-second; nb ÷ wrk {statistics.median(ratios):.3f} [{min(ratios):.3f}, {max(ratios):.3f}]")
        finally:
            server.terminate()
            server.wait()


def secure(nb, given):
    """TLS and HTTP/2: nb's engine over swift-nio beside h2load, at nginx with a throw-away certificate."""
    if not (shutil.which("nginx") and shutil.which("h2load")):
        return print("secure: skipped, nginx or h2load is not here")
    certificate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../EndToEnd/throwaway.pem")
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        port = 18098
        shutil.copy(certificate, folder)
        text = NGINX.format(folder=folder, port=port).replace(
            "backlog=4096;", f"ssl http2 backlog=4096; ssl_certificate {folder}/throwaway.pem; ssl_certificate_key {folder}/throwaway.pem;")
        with open(f"{folder}/nginx.conf", "w") as out:
            out.write(text)
        server = subprocess.Popen(pinned(0, ["nginx", "-c", f"{folder}/nginx.conf", "-p", folder]), stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        url = f"https://127.0.0.1:{port}/"
        try:
            for name, own, peer in [
                ("HTTP/1.1 over TLS, 32 connections", ["--users", "32"], ["--h1", "-c32"]),
                ("HTTP/2, 100 streams of 1 connection", ["--users", "100", "--http2"], ["-c1", "-m100"]),
            ]:
                rows = {"nb": [], "h2load": []}
                for round in range(given.rounds):
                    for who in (("nb", "h2load") if round % 2 == 0 else ("h2load", "nb")):
                        if who == "nb":
                            found, cpu = load(nb, url, "--insecure", "--duration", f"{given.seconds}s", *own)
                            if found["failed"]:
                                print(f"secure: {found['errors']} {found['examples']}")
                            rows[who].append((found["requests"] - found["failed"]) / cpu)
                        else:
                            out, cpu, _ = run(pinned(1, ["h2load", f"-D{given.seconds}", *peer, url]))
                            # "requests: N total, N started, N done, N succeeded, …"
                            line = [line for line in out.splitlines() if line.startswith("requests:")][0]
                            rows[who].append(int(line.split(" succeeded")[0].split()[-1]) / cpu)
                ratios = [a / b for a, b in zip(rows["nb"], rows["h2load"])]
                print(f"secure, {name}: nb {statistics.median(rows['nb']) / 1e3:.2f} k, h2load {statistics.median(rows['h2load']) / 1e3:.1f} k "
                      f"requests per generator CPU-second; nb ÷ h2load {statistics.median(ratios):.3f} [{min(ratios):.3f}, {max(ratios):.3f}]")
        finally:
            server.terminate()
            server.wait()


def stall(nb, given):
    """Uniform arrivals at λ, a stall of L in D, drained at μ: the share λL/(1 − λ/μ) of requests that wait, wait from L down to 0."""
    for length in (1, 3):
        rate, duration, drain = 1000, 30, 50_000
        with Referee(nb, "--stall", f"10s:{length}s", "--service", "0") as referee:
            found, _ = load(nb, referee.url, "--rate", str(rate), "--arrivals", "uniform", "--duration", f"{duration}s", "--connections", "64")
        # Of N = λD requests the k-th of those hit waits L − k(1/λ − 1/μ).
        total = rate * duration
        step = 1 / rate - 1 / drain
        expected = length - 0.01 * total * step
        p99 = found["response_time"]["p99"] / 1e9 if found["response_time"] else float("nan")
        print(f"stall of {length} s in {duration} s at {rate} rps: p99 {p99:.4f} s, closed form {expected:.4f} s, "
              f"{100 * (p99 / expected - 1):+.2f} %; {found['verdict']} {found['reason'] or ''}")


def fixed(nb, given):
    with Referee(nb, "--service", "100us") as referee:
        for round in range(given.rounds):
            referee.ask("reset")
            found, _ = load(nb, referee.url, "--rate", "1000", "--arrivals", "uniform", "--duration", f"{given.seconds}s")
            kernel, sent = referee.numbers("arrivals"), referee.numbers("sent")
            own = quantile([b - a for a, b in zip(kernel, sent)], 0.5)
            if found["response_time"]:
                p50 = found["response_time"]["p50"]
                print(f"fixed service of 100 µs: nb p50 {p50 / 1e3:.1f} µs, the referee's own {own / 1e3:.1f} µs, difference {(p50 - own) / 1e3:.1f} µs; "
                      f"send lag p99 {found['send_lag']['p99'] / 1e3:.1f} µs; {found['verdict']}")
            else:
                print(f"fixed service: {found['verdict']} {found['reason']}")


def distance(values, cdf):
    """Kolmogorov–Smirnov: the largest distance of the values' share from what it should be."""
    values, count = sorted(values), len(values)
    return max(max((i + 1) / count - cdf(value), cdf(value) - i / count) for i, value in enumerate(values))


def poisson(nb, given):
    """Arrivals by the referee's kernel stamps. Two tests of one plan: given their number, the times of a Poisson process are uniform
    (that is the offered rate), and its gaps are exponential. Two sends of one thread lie a system call apart, some 5 µs in which one of
    40 gaps ends, so with one thread the second figure is that of the call."""
    for threads in (1, 2):
        with Referee(nb, "--kept", "200000") as referee:
            words = ["--rate", "5k", "--duration", "10s", "--connections", "64", "--threads", str(threads)]
            found = load(nb, referee.url, *words)[0] if threads == 1 else json.loads(run([nb, "load", referee.url, "--json", *words])[0])
            stamps = sorted(referee.numbers("arrivals"))
        gaps = [b - a for a, b in zip(stamps, stamps[1:])]
        first, span = stamps[0], stamps[-1] - stamps[0]
        mean = span / len(gaps)
        print(f"Poisson at 5 k/s, threads {threads}: KS distance of the arrival times {distance(stamps, lambda t: (t - first) / span):.4f}, of the gaps "
              f"{distance(gaps, lambda gap: 1 - math.exp(-gap / mean)):.4f}, over {len(gaps)} gaps, rate {1e9 / mean:.0f}; {found['verdict']} {found['reason'] or ''}")


def bare_timer(rate, seconds, spins):
    """p99 lateness in µs of a loop on the generator's processor that does nothing else: no generator here can be better."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    slack = ctypes.CDLL(None).prctl
    slack(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: a nanosecond instead of 50 µs
    late = []
    due = time.monotonic_ns()
    for _ in range(rate * seconds):
        due += 10**9 // rate
        if not spins:
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
        while (now := time.monotonic_ns()) < due:
            pass
        late.append(now - due)
    slack(29, 0, 0, 0, 0)
    os.sched_setaffinity(0, allowed)
    return sorted(late)[int(0.99 * len(late))] / 1e3


def lag(nb, given):
    """The send error against the plan, with and without the spin, at rates from sleepy to busy, in turns with a bare timer."""
    for rate in (100, 1000, 5000, 10_000):
        for words in ([], ["--polite"]):
            found, bare = [], []
            with Referee(nb) as referee:
                for _ in range(given.rounds):
                    bare.append(bare_timer(rate, given.seconds, spins=not words))
                    found.append(load(nb, referee.url, "--rate", str(rate), "--arrivals", "uniform", "--duration", f"{given.seconds}s",
                                      "--connections", "64", *(words or ["--cpu", "1"]))[0])
            p99s = sorted(one["send_lag"]["p99"] / 1e3 for one in found)
            print(f"send lag at {rate} rps{' polite' if words else ''}: p50 {statistics.median(one['send_lag']['p50'] / 1e3 for one in found):.1f} µs, "
                  f"p99 {statistics.median(p99s):.1f} µs [{p99s[0]:.1f}, {p99s[-1]:.1f}]; {' '.join(one['verdict'] for one in found)}; "
                  f"a bare {'sleep' if words else 'spin'} {statistics.median(bare):.1f} [{min(bare):.1f}, {max(bare):.1f}]")


def memory(nb, given):
    def peak(url, *words):
        process = subprocess.Popen([nb, "load", url, "--json", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        most, first = 0, None
        began = time.monotonic()
        while process.poll() is None:
            try:
                for line in open(f"/proc/{process.pid}/status"):
                    if line.startswith("VmRSS"):
                        most = max(most, int(line.split()[1]))
            except OSError:
                break
            if first is None and time.monotonic() - began > 2:
                first = most
            time.sleep(0.05)
        return first or most, most, json.loads(process.stdout.read())

    with Referee(nb, "--kept", "1000") as referee:
        first, last, found = peak(referee.url, "--users", "64", "--iterations", str(given.requests))
        print(f"memory: {found['requests']} requests: {first / 1024:.1f} MiB after 2 s, {last / 1024:.1f} MiB at most")
        _, base, _ = peak(referee.url, "--users", "10", "--duration", "2s", "--think-time", "1s")
        _, many, found = peak(referee.url, "--users", "10000", "--duration", "5s", "--think-time", "10s")
        print(f"memory: 10,000 idle users: {(many - base) / 9.99e3:.2f} KiB a user; {found['requests']} requests, {found['verdict']} {found['reason'] or ''}")


def capacity(nb, given):
    """M/M/1 at the referee: p99 of the sojourn is ln(100)/(μ − λ), so a limit L is met at μ − ln(100)/L."""
    for rate, limit in ((2000, 0.1), (5000, 0.1), (5000, 0.02)):
        with Referee(nb, "--servers", "1", "--capacity", str(rate), "--service", "exp") as referee:
            began = time.monotonic()
            found, _ = load(nb, referee.url, "--find-capacity", "--slo", f"p99<{limit * 1000:g}ms")
            expected = rate - math.log(100) / limit
            got = found["capacity"]
            words = (f"{got:.0f} rps [{', '.join('?' if end is None else f'{end:.0f}' for end in found['interval'])}], closed form {expected:.0f}, {100 * (got / expected - 1):+.1f} %"
                     if got else f"none: {found['reason']}")
            print(f"capacity of {rate} rps with p99<{limit * 1000:g}ms: {words}; {len(found['trials'])} trials in {time.monotonic() - began:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nb")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--only", default="cost,secure,stall,fixed,poisson,lag,memory,capacity")
    given = parser.parse_args()
    nb = os.path.abspath(given.nb)
    for name in given.only.split(","):
        globals()[name](nb, given)


main()
