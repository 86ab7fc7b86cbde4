"""A run reaches this machine and nothing else: every connect is looked at by strace, and without any network the results are the same."""
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# One of each kind: a lab over sockets, a simulation, code of three languages, a price.
BOOK = open(os.path.join(HERE, "small.md")).read() + """

```perf
kind: sim
id: queue
model: queue
params: {c: 2, service: 10ms, rate: 150rps}
replications: 10
```

```python #count
def subject(n):
    return sum(range(100))
```

```perf
kind: bench
id: code
subjects: [{fence: count}, {builtin: spin}, {command: 'true', name: program}]
block_time: {full: 900ms, quick: 500ms}
```
"""
# Runs its arguments where there is loopback and nothing else.
ALONE = """
import ctypes, fcntl, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
ids = (os.getuid(), os.getgid())
if libc.unshare(0x40000000) != 0:
    if libc.unshare(0x50000000) != 0:
        sys.exit(77)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {ids[0]} 1"), ("gid_map", f"0 {ids[1]} 1")):
        open(f"/proc/self/{name}", "w").write(text)
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
request = struct.pack("16sH14x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
fcntl.ioctl(one, 0x8914, request)
os.execvp(sys.argv[1], sys.argv[1:])
"""
ELSEWHERE = re.compile(r"AF_INET6?\b")
HOME = re.compile(r'inet_addr\("127\.\d+\.\d+\.\d+"\)|inet_pton\(AF_INET6, "(::1|::ffff:127\.\d+\.\d+\.\d+)"')


def reached(trace):
    """Lines of a trace that name an address which is not this machine's loopback."""
    found = []
    for name in os.listdir(trace):
        for line in open(os.path.join(trace, name), errors="replace"):
            # An unspecified family only ends an association; port 0 of getaddrinfo's address sorting sends nothing, but is counted too.
            if ELSEWHERE.search(line) and not HOME.search(line) and ("connect(" in line or "sa_family" in line or "sin" in line):
                found.append(line.strip()[:300])
    return found


def tests(Folder):
    def without(tool):
        if shutil.which(tool):
            return False
        print(f"        ({tool} is not installed)")
        return True

    def traced(f, *words):
        trace = os.path.join(f.path, "trace")
        os.makedirs(trace, exist_ok=True)
        done = subprocess.run(["strace", "-ff", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", f"{trace}/t", f.program, *words],
                              cwd=f.path, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
        return done, trace

    def a_run_connects_to_this_machine_only():
        if without("strace"):
            return
        with Folder() as f:
            # What looks must be able to see: 192.0.2.1 is nobody's (RFC 5737).
            far = "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex(('192.0.2.1', 9)); socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 9))"
            os.mkdir(os.path.join(f.path, "trace"))
            subprocess.run(["strace", "-ff", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", f"{f.path}/trace/t", sys.executable, "-c", far], capture_output=True, timeout=60)
            assert len(reached(os.path.join(f.path, "trace"))) == 2
        with Folder() as f:
            f.file("book.md", BOOK.encode())
            done, trace = traced(f, "run", "--quick", "--trust", "book.md")
            assert done.returncode in (0, 3), done.stderr[-1500:]
            seen = sum("connect(" in line for name in os.listdir(trace) for line in open(os.path.join(trace, name), errors="replace"))
            assert seen > 0, "strace saw no connect at all, so it shows nothing"
            assert not reached(trace), reached(trace)[:5]

    def building_and_checking_connect_to_nothing():
        if without("strace"):
            return
        with Folder() as f:
            shutil.copytree(os.path.join(ROOT, "Notebooks"), os.path.join(f.path, "Notebooks"))
            shutil.copytree(os.path.join(ROOT, "Themes"), os.path.join(f.path, "Themes"))
            for words in (("build",), ("check", "Notebooks/day08.md"), ("status",), ("market",), ("verify", "Notebooks/day08.md"), ("lsp",)):
                done, trace = traced(f, *words)
                assert not reached(trace), (words, reached(trace)[:5])
                assert done.returncode in (0, 1, 2, 3), (words, done.stderr[-500:])

    def without_a_network_the_results_are_the_same():
        with Folder() as f, Folder() as g:
            for one in (f, g):
                one.file("book.md", BOOK.encode())
            alone = [sys.executable, "-c", ALONE, g.program, "run", "--quick", "--trust", "book.md"]
            f.nb("run", "--quick", "--trust", "book.md", check=0)
            for _ in range(3):
                done = subprocess.run(alone, cwd=g.path, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
                if done.returncode != 3:
                    break
            if done.returncode == 77:
                print("        (this machine allows no network namespace)")
                return
            assert done.returncode == 0, done.stderr[-1500:]

            def results(one):
                cells = {cell["id"]: cell for cell in json.loads(one.read("results/book.json"))["cells"]}
                return cells

            here, there = results(f), results(g)
            assert here.keys() == there.keys()
            differing = {key: (here["queue"].get(key), there["queue"].get(key)) for key in here["queue"].keys() | there["queue"].keys() if here["queue"].get(key) != there["queue"].get(key)}
            assert not differing, f"a simulation is the same to the last digit: {differing}"
            assert "machine" not in here["queue"], "nothing of the machine is in a simulation"
            for cell in here:
                # A pause of the machine makes a run DEGRADED; INVALID ones were repeated.
                assert here[cell]["inputs"] == there[cell]["inputs"] and "INVALID" not in (here[cell].get("validity"), there[cell].get("validity")), cell
            counts = [[arm["metrics"].get("http_reqs") for arm in one["pair"]["arms"]] for one in (here, there)]
            assert counts[0] == counts[1], counts

    return [a_run_connects_to_this_machine_only, building_and_checking_connect_to_nothing, without_a_network_the_results_are_the_same]
