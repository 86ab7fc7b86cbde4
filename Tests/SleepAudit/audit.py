#!/usr/bin/env python3
"""Shows that the lab's stages do what their class says: R never sleeps, W sleeps what it declares.

Usage: audit.py path/to/nb [REQUESTS]
Serves every stage with sleep_audit.c loaded before it, sends REQUESTS (20) to each route one after the other, and prints the
table. Exit 1 when a stage of class R slept at all, or one of class W not its declared sum within 5 %; 0 with a message
where there is no C compiler. sleep_audit.c says what sleeping is. First it audits a program that sleeps in every known way,
and at last a lab whose reads of files were made to sleep: both must be found out.
"""
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 0.05


def build(compiler, folder):
    def made(source, name, *flags):
        path = os.path.join(folder, name)
        subprocess.run([compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", *flags, "-o", path, os.path.join(HERE, source),
                        "-ldl", "-lpthread"], check=True)
        return path
    shared = ("-fPIC", "-shared")
    return made("sleep_audit.c", "sleep_audit.so", *shared), made("sleeper.c", "sleeper"), made("saboteur.c", "saboteur.so", *shared)


def environment(audit, report):
    return {**os.environ, "LD_PRELOAD": audit, "NB_SLEEP_AUDIT": report, "NB_CPU_LIMIT": "signals"}


def read(report):
    """Stages by name; those of one name are added up."""
    found = json.load(open(report))
    assert found["calls_seen"] > 0, "the audit stands in front of nothing"
    stages = {}
    for row in found["stages"]:
        sum_ = stages.setdefault(row["name"], {"class": row["class"], "entered": 0, "sleeps": 0, "slept_ns": 0, "switches": 0})
        for key in ("entered", "sleeps", "slept_ns", "switches"):
            sum_[key] += row[key]
    return stages


def audit_sleeper(audit, sleeper, folder):
    """Each way sleeps 5 ms before, inside and after its stage: 5 ms are to be found, not 0 and not 15."""
    report = os.path.join(folder, "sleeper.json")
    subprocess.run([sleeper], check=True, env=environment(audit, report), timeout=60)
    stages = read(report)
    assert len(stages) == 15, stages
    for name, row in stages.items():
        expected = 0 if name == "not_at_all" else 1
        assert row["sleeps"] == expected, (name, row)
        assert (row["slept_ns"] >= 4_900_000) == bool(expected), (name, row)
    return len(stages) - 1


def routes():
    text = open(os.path.join(HERE, "stages.md")).read()
    return [path.replace("{id}", "7") for path in re.findall(r"^    GET (\S+):", text, re.M)]


def drive(nb, audit, folder, requests, only="", fault=None):
    """The audit's table and the lab's own counters after `requests` to each route that begins with `only`, under a fault."""
    report = os.path.join(folder, "lab.json")
    lab = subprocess.Popen([nb, "lab", "serve", os.path.join(HERE, "stages.md") + "#stages"], env=environment(audit, report),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        port = int(re.search(rb":(\d+)", lab.stdout.readline()).group(1))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        if fault:
            connection.request("POST", "/_nb/fault", body=json.dumps(fault))
            assert connection.getresponse().read() == b'{"ok":true}'
        for path in filter(lambda path: path.startswith(only), routes()):
            for _ in range(requests):
                connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 200, (path, answer.status, body)
        connection.request("GET", "/_nb/counters")
        counters = json.loads(connection.getresponse().read())
        if fault:
            # Its process writes a report of its own when it ends; the lab's is the last.
            connection.request("DELETE", "/_nb/fault")
            connection.getresponse().read()
        connection.close()
    finally:
        lab.terminate()
        lab.wait(timeout=60)
    return read(report), counters


def judge(stages, counters):
    """Prints the table and returns what contradicts it."""
    wrong = []
    print(f"{'stage':<11}{'class':>6}{'entered':>9}{'declared':>12}{'slept':>12}{'sleeps':>8}{'switches':>10}")
    for name, row in stages.items():
        declared = counters.get(f"{name}.declared_ns")
        if row["entered"] == 0:
            wrong.append(f"{name} was never entered")
        if row["class"] == "R" and (row["slept_ns"] > 0 or row["sleeps"] > 0):
            wrong.append(f"{name} is of class R and slept {row['slept_ns']} ns in {row['sleeps']} calls")
        if row["class"] == "W" and not abs(row["slept_ns"] - declared) <= TOLERANCE * declared:
            wrong.append(f"{name} declared {declared} ns and slept {row['slept_ns']} ns")
        shown = f"{declared / 1e6:.3f} ms" if declared is not None else "–"
        print(f"{name:<11}{row['class']:>6}{row['entered']:>9}{shown:>12}{row['slept_ns'] / 1e6:>9.3f} ms"
              f"{row['sleeps']:>8}{row['switches']:>10}")
    classes = [row["class"] for row in stages.values()]
    if classes.count("R") < 20 or classes.count("W") < 7:
        wrong.append(f"only {classes.count('R')} stages of class R and {classes.count('W')} of class W were seen")
    return wrong


def main():
    nb = os.path.realpath(sys.argv[1])
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        print("skipped: the sleep audit needs Linux and a C compiler `cc`")
        return 0
    with tempfile.TemporaryDirectory(prefix="nb-audit-") as folder:
        audit, sleeper, saboteur = build(compiler, folder)
        print(f"the audit finds all {audit_sleeper(audit, sleeper, folder)} ways to sleep")
        wrong = judge(*drive(nb, audit, folder, requests))
        stages, counters = drive(nb, f"{audit} {saboteur}", folder, requests, only="/io/")
        accused = {name: row["sleeps"] for name, row in stages.items() if row["sleeps"]}
        if accused != {"read": counters["read.ops"]}:
            wrong.append(f"reads that sleep were to be found, {counters['read.ops']} of them, and found was {accused}")
        else:
            print(f"made to sleep, `read` is accused of each of its {accused['read']} reads, and no other stage is")
        # To be stopped from outside is no sleep of the stage.
        limit = {"target": "lab", "toxic": "cpu_limit", "cpus": 0.05, "period": 20_000_000}
        stages, counters = drive(nb, audit, folder, requests, only="/cpu/", fault=limit)
        slept = {name: row for name, row in stages.items() if row["sleeps"] or row["slept_ns"]}
        entered = sum(row["entered"] for row in stages.values())
        if slept or entered == 0 or counters["faults.cpu_throttled"] == 0:
            wrong.append(f"under a CPU limit, {counters} of {entered} stages slept: {slept}")
        else:
            print(f"stopped in {counters['faults.cpu_throttled']} periods, {entered} stages of class R did not sleep")
    for line in wrong:
        print("WRONG " + line)
    print(f"{len(wrong)} contradictions")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
