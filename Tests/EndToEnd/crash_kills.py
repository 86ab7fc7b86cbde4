"""SIGKILL at random moments of a run that writes back: the notebook is old or new, no finished result is lost, nothing is left.

NB_KILLS says how often (25 without it). The moments are drawn by a fixed seed over the length of a whole run.
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

from crash_files import QUEUE, leftovers, stored

FENCE = """
```c #busy
long subject(long n) { unsigned long s = 1; for (long i = 0; i < 1000; i++) { s = s * 69069 + 1; __asm__ volatile("" : "+r"(s)); } return 7; }
```

```perf
kind: bench
id: code
subjects: [{fence: busy}]
block_time: {full: 300ms, quick: 200ms}
```
"""

LOAD = """
```perf
kind: system
id: tiny
origin:
  routes:
    POST /order/{id}:
      - sql: {statement: "insert into orders (name, price, version, payload) values ('a', 1, 1, 'b')"}
      - bytes: {size: 100B}
data: {orders: {rows: 10}}
```

```perf
kind: load
id: traffic
uses: tiny
executor: constant-vus
vus: 2
duration: 400ms
scenario: [{post: "/order/{id}", key: {dist: sequential, n: 1000}}]
block_time: {full: 400ms, quick: 400ms}
```
"""

SHELL = """
```perf
kind: bench
id: shell
subjects: [{shell: 'sleep 0.005 & setsid sleep 300 & sleep 0.01', name: leaver}]
block_time: {full: 300ms, quick: 200ms}
```
"""


def notebook():
    third = QUEUE.split(b"Between.")[0].replace(b"# Queues\n\nProse with a value {{ first.queue_wait }} in it.\n", b"").replace(b"id: first", b"id: third")
    return QUEUE + LOAD.encode() + (FENCE.encode() if shutil.which("cc") else b"") + SHELL.encode() + third


def marked(folder):
    """Processes that have to do with a folder: by their environment, their working folder or their program."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z":
                continue
            environment = open(f"/proc/{pid}/environ", "rb").read()
            line = open(f"/proc/{pid}/cmdline", "rb").read()
        except OSError:
            continue
        if folder.encode() in environment or folder.encode() in line:
            found.append((int(pid), line))
    return found


def shared_memory():
    with open("/proc/sysvipc/shm") as table:
        segments = {line.split()[1] for line in table.readlines()[1:]}
    return segments | set(os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else [])


def tests(Folder):
    nb = Folder.program

    def start(f, temporary):
        environment = {**os.environ, "TMPDIR": temporary}
        return subprocess.Popen([nb, "run", "--quick", "--trust", "--json", "--no-html", "k.md"], cwd=f.path, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)

    def gone(f, temporary, place):
        for _ in range(600):
            left = [one for one in marked(temporary) if one[0] != os.getpid()]
            if not left and not [name for name in os.listdir(temporary) if name.startswith("nb-lab-")]:
                return
            time.sleep(0.02)
        raise AssertionError((place, "left behind", left, os.listdir(temporary)))

    def a_kill_at_any_moment_loses_nothing_and_leaves_nothing():
        kills = int(os.environ.get("NB_KILLS", "25"))
        chance = random.Random(9)
        text = notebook()
        counts = {"old": 0, "new": 0, "finished": 0, "temporary files until the next run": 0}
        shared = shared_memory()
        with Folder() as f:
            temporary = os.path.join(f.path, "tmp")
            os.mkdir(temporary)
            f.file("k.md", text)
            began = time.monotonic()
            done = start(f, temporary)
            lines = done.communicate(timeout=120)[0].splitlines()
            length = time.monotonic() - began
            assert done.returncode in (0, 3) and len(lines) >= 5, (done.returncode, lines)
            rows = len(stored(f.path))
            for number in range(kills):
                f.file("k.md", text)
                shutil.rmtree(os.path.join(f.path, "results"), ignore_errors=True)
                process = start(f, temporary)
                moment = chance.uniform(0, length)
                time.sleep(moment)
                process.send_signal(signal.SIGKILL)
                printed = process.stdout.read()
                process.wait()
                place = (number, moment)
                gone(f, temporary, place)
                after = f.read("k.md")
                assert f.nb("clean", "--stdout", "k.md", check=0).stdout == text, (place, after)
                for name in re.findall(rb"<!-- nb:result (\S+) in=", after):
                    assert after.count(b"<!-- nb:end " + name + b" ") == 1, (place, name)
                counts["old" if after == text else "new"] += 1
                finished = [json.loads(line)["id"] for line in printed.split(b"\n")[:-1] if line]
                now = stored(f.path)
                assert [cell for _, cell, _ in now[rows:]][:len(finished)] == finished, (place, finished, [cell for _, cell, _ in now[rows:]])
                counts["finished"] += len(finished)
                rows = len(now)
                for name in ("results/k.json", "optimization-log.md"):
                    path = os.path.join(f.path, name)
                    if os.path.exists(path) and name.endswith("json"):
                        json.load(open(path))
                counts["temporary files until the next run"] += len(leftovers(f.path))
            # The next run finds everything in order, and removes what a kill has left.
            f.file("k.md", text)
            done = start(f, temporary)
            done.communicate(timeout=120)
            assert done.returncode in (0, 3), done.returncode
            assert f.nb("clean", "--stdout", "k.md", check=0).stdout == text
            assert leftovers(f.path) == [], leftovers(f.path)
            gone(f, temporary, "the last run")
        assert shared_memory() <= shared, (shared_memory(), shared)
        if kills > 25:
            print(f"        {kills} kills over {length:.2f} s: {counts}", flush=True)

    return [a_kill_at_any_moment_loses_nothing_and_leaves_nothing]
