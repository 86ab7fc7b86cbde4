#!/usr/bin/env python3
"""nb built with the thread sanitizer, at work on several threads: no report.

Usage: races.py path/to/nb [run|lab|serve]… [option of the linker]…
First a program with a race, to see that the sanitizer reports one, and the same one under a Mutex, to see that it does not
(see mutex_seen.c). Everything is many times slower than usual, so nothing is judged but the reports: figures of such a run say
nothing, and INVALID is a usual verdict.
"""
import concurrent.futures
import glob
import json
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
PROGRAM = """import Foundation
import Synchronization
nonisolated(unsafe) var x = 0
final class Guard: Sendable { let mutex = Mutex(()) }
let lock = Guard()
let other = Thread { for _ in 0..<100_000 { ADD } }
other.start()
for _ in 0..<100_000 { ADD }
Thread.sleep(forTimeInterval: 0.2)
"""


def reports(folder):
    return glob.glob(f"{folder}/report*")


def reported(folder, statement, *options):
    """What the sanitizer says of a program whose two threads do one statement again and again."""
    source = os.path.join(folder, "race.swift")
    open(source, "w").write(PROGRAM.replace("ADD", statement))
    subprocess.run(["swiftc", "-sanitize=thread", source, "-o", os.path.join(folder, "race"), *options], check=True, capture_output=True)
    subprocess.run([os.path.join(folder, "race")], capture_output=True)
    found = reports(folder)
    text = "".join(open(file).read() for file in found)
    for file in found:
        os.remove(file)
    return text


def sanitizer_sees(folder, options):
    assert "WARNING: ThreadSanitizer: data race" in reported(folder, "x += 1"), "a race on purpose is not reported"
    assert not reported(folder, "lock.mutex.withLock { _ in x += 1 }", *options), "a lock is not seen: see mutex_seen.c"


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
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read()


def at_once(*calls):
    """Runs them side by side; what one of them throws is thrown."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for one in [pool.submit(call) for call in calls]:
            one.result()


def nb(folder, *words):
    """To its end, whatever it judges; a command that could not begin has nothing to report about."""
    done = subprocess.run([NB, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    assert done.returncode in (0, 1, 2, 3, 66), (words, done.returncode, done.stderr[-1000:])
    return done


def run(folder):
    """Load, simulation, bench, telemetry, profile: the runner and all kernels. Pages are made by `serve`."""
    for day in ("day03", "day04", "day08", "day10"):
        done = nb(folder, "run", "--trust", "--quick", "--no-html", f"{day}.md")
        assert "the blocks took" in done.stderr, done.stderr[-1000:]


def lab(folder):
    """Two generators of two threads at one lab, an open and a closed one."""
    child = Child(folder, "lab", "serve", "shop", "--port", "18097")
    child.wait_for("counters at")
    words = ["load", "http://127.0.0.1:18097/product/1", "--duration", "4s", "--threads", "2", "--connections", "16", "--json"]
    open_loop, closed_loop = [], []
    at_once(lambda: open_loop.append(nb(folder, *words, "--rate", "200")), lambda: closed_loop.append(nb(folder, *words, "--users", "16")))
    for done in open_loop + closed_loop:
        assert json.loads(done.stdout)["requests"] > 0, done.stderr[-1000:]
    child.end()


def serve(folder):
    """Readers of a site while its notebooks are saved."""
    child = Child(folder, "serve", "--port", "18096")
    child.wait_for("18096")
    for i in range(4):
        with open(os.path.join(folder, "day08.md"), "a") as file:
            file.write(f"\nanother line {i}\n")
        at_once(*(lambda path=path: [fetch(18096, path) for _ in range(5)] for path in ("/", "/day08.html", "/day01.html", "/day08.html")))
        time.sleep(1)
    child.end()


def main():
    tasks = {"run": run, "lab": lab, "serve": serve}
    # What the linker was told for nb, for the program that shows that it helps.
    options = [word for word in sys.argv[2:] if word not in tasks]
    chosen = [word for word in sys.argv[2:] if word in tasks] or list(tasks)
    folder = tempfile.mkdtemp(prefix="nb-races-")
    os.environ["TSAN_OPTIONS"] = f"log_path={folder}/report"
    os.environ["XDG_STATE_HOME"] = os.path.join(folder, "state")
    try:
        sanitizer_sees(folder, options)
        course = os.path.join(folder, "Notebooks")
        shutil.copytree(os.path.join(ROOT, "Notebooks"), course)
        os.symlink(os.path.join(ROOT, "Themes"), os.path.join(folder, "Themes"))
        texts = []
        for name in chosen:
            began = time.monotonic()
            tasks[name](course)
            found = reports(folder)
            print(f"{name}: {len(found)} reports, {time.monotonic() - began:.0f} s", flush=True)
            texts += [open(file).read() for file in found]
            for file in found:
                os.remove(file)
        if texts:
            sys.exit("\n".join(text[:6000] for text in texts))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
