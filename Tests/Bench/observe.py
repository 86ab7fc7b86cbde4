#!/usr/bin/env python3
"""`nb observe serve` as a sink: spans per second of its processor time, received over HTTP, decoded and stored; and its memory.

Usage: observe.py path/to/nb [--rounds 3] [--seconds 4]

The spans are real ones of a lab, as it hands them out (OTLP in Protobuf, up to 8,192 a request), sent again and again over one connection; the same
compressed, and the same as JSON. Processor time is the process' own, from /proc, over all its threads."""
import argparse
import gzip
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request


def process_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")) / 1024


def spans_of_a_lab(nb):
    """A request of real spans in both encodings."""
    lab = subprocess.Popen([nb, "lab", "serve", "shop", "--set", "telemetry.traces=1", "--set", "primary.off=true"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        url = re.search(rb"http://\S+:\d+", lab.stdout.readline()).group().decode()
        bodies = {}
        for kind in ("application/x-protobuf", "application/json"):
            # The outbox is bounded: a burst, and what came of it at once.
            subprocess.run([nb, "load", url + "/product/7", "--iterations", "2000", "--users", "4", "--json"], check=True, capture_output=True)
            time.sleep(0.5)
            request = urllib.request.Request(url + "/_nb/telemetry/traces", headers={"Accept": kind})
            bodies[kind] = urllib.request.urlopen(request, timeout=30).read()
        return bodies
    finally:
        lab.terminate()
        lab.wait()


def run(nb, folder, body, headers, seconds):
    """Spans per second of the receiver's processor time, per second of the clock, and MiB at the end."""
    store = os.path.join(folder, f"store-{time.monotonic_ns()}")
    process = subprocess.Popen([nb, "observe", "serve", "--port", "0", "--json", "--file", store], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r"http://127.0.0.1:(\d+)", process.stderr.readline()).group(1))
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        before, start, sent, busy = process_seconds(process.pid), time.monotonic(), 0, 0
        while time.monotonic() - start < seconds:
            client.request("POST", "/v1/traces", body, headers)
            answer = client.getresponse()
            answer.read()
            if answer.status == 200:
                sent += 1
            else:
                busy += 1
                time.sleep(0.05)
        elapsed, used, memory = time.monotonic() - start, process_seconds(process.pid) - before, resident(process.pid)
        process.send_signal(signal.SIGINT)
        counts = json.loads(process.communicate(timeout=60)[0])
        spans = sum(row["records"] for row in counts["records"])
        assert sent and counts["refused"] == {} or busy, counts
        return spans / used, spans / elapsed, memory
    finally:
        process.kill()
        process.wait()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("nb")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=4)
    options = options.parse_args()
    nb = os.path.realpath(options.nb)
    bodies = spans_of_a_lab(nb)
    binary, text = bodies["application/x-protobuf"], bodies["application/json"]
    cases = {
        "protobuf": (binary, {"Content-Type": "application/x-protobuf"}),
        "protobuf, gzip": (gzip.compress(binary, 6), {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}),
        "JSON": (text, {"Content-Type": "application/json"}),
    }
    found = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name, (body, headers) in cases.items():
                found[name].append(run(nb, folder, body, headers, options.seconds))
    print("receiver of OTLP/HTTP: thousands of spans, median of rounds [least, most]")
    for name, results in found.items():
        cpu, wall, memory = (sorted(column) for column in zip(*results))
        print(f"{name:16} {statistics.median(cpu) / 1e3:8.0f} k/CPU-s [{cpu[0] / 1e3:.0f}, {cpu[-1] / 1e3:.0f}]  "
              f"{statistics.median(wall) / 1e3:8.0f} k/s  {max(memory):6.0f} MiB  ({len(cases[name][0]) / 1024:.0f} KiB a request)")


if __name__ == "__main__":
    main()
