#!/usr/bin/env python3
"""The built nb on real files, real child processes and real sockets.

Usage: end_to_end.py path/to/nb
Every test works in a folder of its own and ends what it started. Nothing is judged by wall time.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

NB = os.path.realpath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = open(os.path.join(HERE, "small.md"), "rb").read()
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Folder:
    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="nb-e2e-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, data=SMALL):
        path = os.path.join(self.path, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def read(self, name):
        with open(os.path.join(self.path, name), "rb") as text:
            return text.read()

    def nb(self, *args, check=None, **options):
        done = subprocess.run([NB, *args], cwd=self.path, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, **options)
        if check is not None:
            assert done.returncode == check, (args, done.returncode, done.stderr.decode()[-2000:])
        return done


def children_of(marker):
    """Processes whose command line runs this nb as a lab."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if line[0] == NB.encode() and marker in line:
            found.append(int(pid))
    return found


def wait_gone(marker=b"lab"):
    for _ in range(500):
        if not children_of(marker):
            return
        time.sleep(0.02)
    raise AssertionError(f"lab processes survived: {children_of(marker)}")


@test
def run_writes_only_regions_and_values():
    with Folder() as f:
        f.file("small.md")
        f.nb("run", "--quick", "small.md", check=0)
        after = f.read("small.md")
        assert after.count(b"<!-- nb:result traffic in=") == 2, "one real region and the shown one"
        assert b"{{ not.a.value }}" in after and b"<!--nb traffic.http_reqs-->" in after
        cleaned = f.nb("clean", "--stdout", "small.md", check=0).stdout
        assert cleaned == SMALL, "clean(run(x)) == x"
        results = json.loads(f.read("results/small.json"))
        text = json.dumps(results)
        assert "traffic" in text and "pair" in text
        assert os.path.exists(os.path.join(f.path, ".nb/results.sqlite"))
        assert os.path.exists(os.path.join(f.path, "_site"))
        wait_gone()


@test
def nothing_to_do_changes_no_byte():
    with Folder() as f:
        f.file("small.md")
        f.nb("run", "--quick", "small.md", check=0)
        before = f.read("small.md")
        f.nb("run", "--quick", "--stale", "small.md", check=0)
        assert f.read("small.md") == before


@test
def crlf_and_bom_are_kept():
    with Folder() as f:
        text = b"\xef\xbb\xbf" + SMALL.replace(b"\n", b"\r\n")
        f.file("small.md", text)
        f.nb("run", "--quick", "--only", "traffic", "small.md", check=0)
        after = f.read("small.md")
        assert after.startswith(b"\xef\xbb\xbf") and b"\n" not in after.replace(b"\r\n", b"")
        assert f.nb("clean", "--stdout", "small.md", check=0).stdout == text


@test
def hand_edit_is_refused_then_accepted():
    with Folder() as f:
        f.file("small.md")
        f.nb("run", "--quick", "--only", "traffic", "small.md", check=0)
        edited = f.read("small.md").replace(b"evidence", b"EVIDENCE", 1)
        assert edited != f.read("small.md")
        f.file("small.md", edited.replace(b"iterations: 100", b"iterations: 120"))
        done = f.nb("run", "--quick", "--only", "traffic", "small.md")
        assert b"edited-region" in done.stderr, done.stderr
        assert b"EVIDENCE" in f.read("small.md")
        f.nb("accept", "small.md#traffic", check=0)
        assert b"edited-region" not in f.nb("run", "--quick", "--only", "traffic", "small.md").stderr


@test
def sigkill_leaves_old_or_new_and_no_lab():
    chance = random.Random(8)
    with Folder() as f:
        for _ in range(12):
            f.file("small.md")
            process = subprocess.Popen([NB, "run", "--quick", "small.md"], cwd=f.path, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.0, 3.0))
            process.kill()
            process.wait()
            wait_gone()
            after = f.read("small.md")
            cleaned = f.nb("clean", "--stdout", "small.md", check=0).stdout
            assert cleaned == SMALL, "every region is whole and all other bytes are the author's"
            for name in re.findall(rb"nb:result (\S+) in=", after):
                assert after.count(b"<!-- nb:end " + name) >= 1
        leftovers = [n for n in os.listdir(f.path) if n.startswith(".small.md")]
        assert len(leftovers) <= 12


@test
def interrupt_saves_what_finished():
    with Folder() as f:
        f.file("small.md")
        process = subprocess.Popen([NB, "run", "small.md"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for line in process.stderr:
            if b"traffic" in line:
                break
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        assert process.wait() == 130, process.returncode
        after = f.read("small.md")
        assert after.count(b"<!-- nb:result traffic in=") == 2 and b"nb:result pair" not in after
        wait_gone()


@test
def a_dead_lab_is_one_clear_failure():
    with Folder() as f:
        f.file("small.md")
        process = subprocess.Popen([NB, "run", "small.md"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for line in process.stderr:
            if b"traffic" in line:
                break
        for _ in range(1000):
            labs = children_of(b"lab")
            if len(labs) >= 2:
                break
            time.sleep(0.005)
        time.sleep(0.4)
        os.kill(labs[0], signal.SIGKILL)
        error = process.stderr.read()
        assert process.wait() == 1, (process.returncode, error)
        assert b"lab" in error and b"died" in error, error
        assert b"> [!WARNING]" in f.read("small.md")
        assert f.nb("clean", "--stdout", "small.md", check=0).stdout == SMALL
        wait_gone()


@test
def bad_input_is_one_error_each():
    with Folder() as f:
        f.file("binary.md", b"# a\0b")
        f.file("large.md", b"a" * (9 << 20))
        with open(os.path.join(f.path, "huge.md"), "wb") as out:
            out.truncate(100 << 20)
        for command in ("run", "check"):
            for name, cause in (("missing.md", b"no such file"), (".", b"directory"), ("binary.md", b"binary"),
                                ("large.md", b"bytes"), ("huge.md", b"bytes")):
                done = f.nb(command, name, check=1)
                assert done.stderr.count(b"error:") == 1 and cause in done.stderr, (command, name, done.stderr)
        f.nb("render", "huge.md", check=1)
        f.nb("frobnicate", check=64)


@test
def all_errors_at_once_in_place():
    with Folder() as f:
        f.file("bad.md", SMALL.replace(b"iterations: 100", b"iteratoins: 100").replace(b"vus: 5", b"vus: five"))
        done = f.nb("check", "bad.md", check=1)
        assert b"unknown-key" in done.stderr and b"iterations" in done.stderr and done.stderr.count(b"error:") >= 2, done.stderr
        assert not os.path.exists(os.path.join(f.path, ".nb"))


@test
def a_port_in_use_is_said():
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    with Folder() as f:
        done = f.nb("lab", "serve", "shop", "--port", str(taken.getsockname()[1]), check=1)
        assert b"in use" in done.stderr, done.stderr
    taken.close()


@test
def code_needs_trust():
    with Folder() as f:
        text = SMALL + b"\n```sql #touch @db tiny\nSELECT 1\n```\n"
        f.file("small.md", text)
        done = f.nb("run", "--quick", "small.md", check=1)
        assert b"not-trusted" in done.stderr and b"touch" in done.stderr
        assert f.read("small.md") == text
        f.nb("run", "--quick", "--trust", "--only", "traffic", "small.md", check=0)


@test
def commands_of_a_notebook_need_trust():
    with Folder() as f:
        marker = os.path.join(f.path, "ran")
        body = "# T\n\n```perf\nkind: bench\nid: b\nsubjects: [{command: 'touch %s', name: t}]\n```\n" % marker
        f.file("c.md", body.encode())
        done = f.nb("run", "--quick", "c.md", check=1)
        assert b"not-trusted" in done.stderr and not os.path.exists(marker)
        f.nb("run", "--quick", "--trust", "c.md", check=0)
        assert os.path.exists(marker)


@test
def bench_compares_commands():
    with Folder() as f:
        done = f.nb("bench", "sleep 0.05", "true", "--pairs", "10", "--json", check=0)
        found = json.loads(done.stdout)
        assert found["verdict"] == "faster" and found["interval"][0] > 5, found
        done = f.nb("bench", "true", "true", "-P", "x=1", "--pairs", "8", "--export", "csv", check=0)
        assert done.stdout.decode().startswith("command,mean,stddev,median,user,system,min,max"), done.stdout
        for bad, word in [(["false"], b"exit status 1"), (["/nonexistent"], b"could not be started"), (["echo 'a"], b"quote")]:
            done = f.nb("bench", *bad, check=1)
            assert word in done.stderr and done.stderr.count(b"error") == 1, done.stderr
        f.nb("bench", "false", "--ignore-failure", "--pairs", "6", check=0)


@test
def a_broken_fence_is_named_and_the_others_go_on():
    if not shutil.which("python3"):
        return
    with Folder() as f:
        text = ("# T\n\n```python #bad\ndef subject(n):\n  return missing\n```\n\n```python #good\ndef subject(n): return n\n```\n\n"
                "```perf\nkind: bench\nid: one\nsubjects: [{fence: bad}]\n```\n\n```perf\nkind: bench\nid: two\nsubjects: [{fence: good}]\n```\n")
        f.file("c.md", text.encode())
        done = f.nb("run", "--quick", "--trust", "c.md", check=1)
        assert b"c.md:5" in done.stderr and b"missing" in done.stderr, done.stderr
        after = f.read("c.md").decode()
        assert "No new result" in after and "| good |" in after, after


@test
def a_text_changed_during_the_run_is_kept():
    with Folder() as f:
        path = f.file("small.md")
        process = subprocess.Popen([NB, "run", "small.md"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for line in process.stderr:
            if b"traffic" in line:
                break
        now = f.read("small.md")
        with open(path, "wb") as out:
            out.write(now.replace(b"The end.", b"A new end.").replace(b"iterations: 60", b"iterations: 61"))
        process.stderr.read()
        process.wait()
        after = f.read("small.md")
        assert b"A new end." in after and b"iterations: 61" in after
        assert b"nb:result pair" not in after, "the question changed: its answer goes to the store only"


@test
def lab_serves_outside_tools():
    with Folder() as f:
        process = subprocess.Popen([NB, "lab", "serve", "shop"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
            import http.client
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            seen = []
            for _ in range(2):
                connection.request("GET", "/product/7")
                answer = connection.getresponse()
                answer.read()
                seen.append((answer.status, answer.headers.get("X-Cache")))
            assert seen == [(200, "MISS"), (200, "HIT")], seen
            connection.request("GET", "/_nb/counters")
            counters = json.loads(connection.getresponse().read())
            assert counters["product-cache.hits"] == 1 and counters["origin.requests"] == 2, counters
        finally:
            process.terminate()
            process.wait()
        wait_gone()


def main():
    wanted = sys.argv[2:]
    passed = failed = 0
    for function in TESTS:
        if wanted and function.__name__ not in wanted:
            continue
        try:
            function()
            passed += 1
            print(f"ok      {function.__name__}", flush=True)
        except Exception as error:  # a test that breaks is a failed test, whatever broke
            failed += 1
            print(f"FAILED  {function.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
