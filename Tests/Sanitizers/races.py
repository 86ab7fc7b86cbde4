#!/usr/bin/env python3
"""nb built with the thread sanitizer, at work on several threads: no report.

Usage: races.py path/to/nb [run|lab|serve]…
First a program with a race, to see that the sanitizer reports one. Everything is many times slower than usual, so nothing is
judged but the reports: figures of such a run say nothing, and INVALID is a usual verdict.
"""
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NB = os.path.realpath(sys.argv[1])
RACE = """import Foundation
nonisolated(unsafe) var x = 0
let other = Thread { for _ in 0..<100_000 { x += 1 } }
other.start()
for _ in 0..<100_000 { x += 1 }
Thread.sleep(forTimeInterval: 0.2)
"""


def racy_is_reported(folder):
    source = os.path.join(folder, "race.swift")
    open(source, "w").write(RACE)
    subprocess.run(["swiftc", "-sanitize=thread", source, "-o", os.path.join(folder, "race")], check=True, capture_output=True)
    said = subprocess.run([os.path.join(folder, "race")], capture_output=True, text=True).stderr
    assert "WARNING: ThreadSanitizer: data race" in said, said


class Child:
    def __init__(self, folder, *words):
        self.process = subprocess.Popen([NB, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True).start()

    def wait_for(self, text):
        for _ in range(600):
            if any(text in line for line in self.lines):
                return
            assert self.process.poll() is None, self.lines
            time.sleep(0.1)
        raise AssertionError(self.lines)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def fetch(port, path):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60).read()
    except OSError as error:
        return str(error).encode()


def at_once(*calls):
    threads = [threading.Thread(target=call) for call in calls]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def run(folder):
    """Load, simulation, bench, telemetry, profile: the runner and all kernels."""
    for day in ("day03", "day04", "day08", "day10"):
        subprocess.run([NB, "run", "--trust", "--quick", f"{day}.md"], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=900)


def lab(folder):
    """Two generators of two threads at one lab, an open and a closed one."""
    child = Child(folder, "lab", "serve", "shop", "--port", "18097")
    child.wait_for("counters at")
    words = ["load", "http://127.0.0.1:18097/product/1", "--duration", "4s", "--threads", "2", "--connections", "16", "--json"]
    at_once(*(lambda more=more: subprocess.run([NB, *words, *more], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
              for more in (["--rate", "200"], ["--users", "16"])))
    child.end()


def serve(folder):
    """Readers of a site while its notebooks are saved."""
    child = Child(folder, "serve", "--port", "18096")
    child.wait_for("18096")
    for i in range(4):
        with open(os.path.join(folder, "day08.md"), "a") as file:
            file.write(f"\nanother line {i}\n")
        at_once(*(lambda path=path: [fetch(18096, path) for _ in range(5)] for path in ("/", "/day08.html", "/day01.html", "/search.json", "/day08.html")))
        time.sleep(1)
    child.end()


def main():
    tasks = {"run": run, "lab": lab, "serve": serve}
    chosen = sys.argv[2:] or list(tasks)
    folder = tempfile.mkdtemp(prefix="nb-races-")
    os.environ["TSAN_OPTIONS"] = f"log_path={folder}/report"
    os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
    try:
        racy_is_reported(folder)
        for file in glob.glob(f"{folder}/report*"):
            os.remove(file)
        course = os.path.join(folder, "Notebooks")
        shutil.copytree(os.path.join(ROOT, "Notebooks"), course)
        os.symlink(os.path.join(ROOT, "Themes"), os.path.join(folder, "Themes"))
        for name in chosen:
            began = time.monotonic()
            tasks[name](course)
            reports = glob.glob(f"{folder}/report*")
            print(f"{name}: {len(reports)} reports, {time.monotonic() - began:.0f} s", flush=True)
            if reports:
                sys.exit(open(reports[0]).read()[:6000])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
