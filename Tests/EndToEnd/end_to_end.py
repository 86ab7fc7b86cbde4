#!/usr/bin/env python3
"""The built nb on real files, real child processes and real sockets.

Usage: end_to_end.py path/to/nb
Every test works in a folder of its own and ends what it started. Nothing is judged by wall time.
"""
import errno
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

import authoring
import comparisons
import course_runs
import course_text
import crash_children
import crash_kills
import crash_walk
import crashes
import exercises
import faults
import hostile
import language_server
import learner
import load_peers
import market
import money
import network
import observe
import predictions
import real_components
import serving
import simulations
import site_build
import telemetry
import telemetry_queries
import transports
import trust

NB = os.path.realpath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = open(os.path.join(HERE, "small.md"), "rb").read()
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Folder:
    program = NB

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
        # Exit 3 is an answer, not a mistake: one A/A control in twenty excludes 1 by luck, and a machine that is busy with
        # other tests disturbs a load. Whoever asked for a pass asks again, as a person would, and not for ever.
        for _ in range(3):
            done = subprocess.run([NB, *args], cwd=self.path, capture_output=True, timeout=120,
                                  stdin=subprocess.DEVNULL, **options)
            if done.returncode != 3 or args[0] != "run" or check != 0:
                break
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


# For the tests of other files, which get `Folder` only.
Folder.children_of = staticmethod(children_of)


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


LEAVER = b"""
```perf
kind: system
id: leaver
edge: {upstream: origin}
origin:
  count: 2
  routes:
    POST /order/{id}:
      - sql: {statement: "insert into orders (name, price, version, payload) values ('a', 1, 1, 'b')"}
      - io: {op: fsync, file: 1MiB}
      - publish: {topic: orders}
worker: {consumes: orders, stages: []}
data: {orders: {rows: 0}}
```

```perf
kind: load
id: some
uses: leaver
executor: constant-vus
vus: 2
duration: 2s
scenario: [{post: "/order/{id}", key: {dist: sequential, n: 100000}}]
```
"""


def listening(pid):
    """The ports on which a process listens."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            continue
        if found:
            inodes.add(found.group(1))
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[9] in inodes}


@test
def ports_files_and_children_are_gone_however_it_ends():
    with Folder() as f:
        f.file("leaver.md", LEAVER)
        temporary = os.path.join(f.path, "tmp")
        os.mkdir(temporary)
        for end in (None, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = subprocess.Popen([NB, "run", "leaver.md"], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": temporary})
            ports, folders = set(), []
            deadline = time.time() + 30
            while time.time() < deadline and not (len(ports) >= 3 and folders):
                for pid in children_of(b"lab"):
                    try:
                        ports |= listening(pid)
                    except OSError:
                        pass
                folders = [name for name in os.listdir(temporary) if name.startswith("nb-lab-")]
                time.sleep(0.02)
            assert len(ports) >= 3 and folders, (end, ports, folders)
            if end is not None:
                time.sleep(0.3)
                process.send_signal(end)
            process.wait(60)
            wait_gone()
            for port in ports:
                with socket.socket() as probe:
                    assert probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED, (end, port)
            assert os.listdir(temporary) == [], (end, os.listdir(temporary))


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
def a_simulation_is_the_same_bytes_with_and_without_fused_multiply_add():
    with Folder() as f:
        plain = dict(os.environ, GLIBC_TUNABLES="glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable")
        for model, *settings in [["queue", "c=3", "service.dist=lognormal", "service.cv2=4"], ["mm1"], ["storm"], ["fleet"], ["cache", "requests=2000"]]:
            asked = ["sim", model, "--json", "--seed", "7", "--set", "replications=6"] + [x for one in settings for x in ("--set", one)]
            if model in ("queue", "mm1"):
                asked += ["--set", "customers=3000"]
            first, second = (json.loads(f.nb(*asked, check=0, **options).stdout) for options in ({}, {"env": plain}))
            assert first.pop("engine")["events_per_second"] > 0 and second.pop("engine")
            assert json.dumps(first) == json.dumps(second), (first, second)
        for bad, word in [(["queue", "--set", "rho=1.5"], b"grows without bound"), (["queue", "--set", "rate=-1rps"], b"rate"), (["mm2"], b"mm1")]:
            done = f.nb("sim", *bad, check=1)
            assert word in done.stderr and done.stderr.count(b"error") == 1, done.stderr
        assert b"Erlang" in f.nb("sim", "describe", "queue", check=0).stdout
        assert b"storm" in f.nb("sim", "list", check=0).stdout


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


HOSTILE = {
    "crash": ("abort(); return 1;", "SIGABRT"),
    "hang": ("for (;;) usleep(1000); return 1;", "no answer"),
    "flood": ("static char b[65536]; for (long i = 0; i < 1 << 14; i++) write(1, b, sizeof b); return 1;", "print"),
    "orphan": ("if (fork() == 0) { setsid(); for (;;) pause(); } return 1;", ""),
    "syntax": ("return 1", "expected"),
}


def hostile_notebook():
    text = "# T\n\n```c #fine\nlong subject(long n) { return 1; }\n```\n\n```c #other\nlong subject(long n) { return 2; }\n```\n"
    blocks = ("\n```perf\nkind: bench\nid: parity\nsubjects: [{fence: fine}, {fence: other}]\n"
              "compare: {baseline: fine, candidates: [other]}\nblock_time: {full: 300ms, quick: 200ms}\n```\n")
    for name, (body, _) in HOSTILE.items():
        text += ("\n```c #%s\n#include <stdlib.h>\n#include <unistd.h>\nlong subject(long n) { %s }\n```\n" % (name, body))
        blocks += "\n```perf\nkind: bench\nid: b-%s\nsubjects: [{fence: %s}]\nblock_time: {full: 300ms, quick: 200ms}\n```\n" % (name, name)
    last = "\n```perf\nkind: bench\nid: last\nsubjects: [{fence: fine}]\nblock_time: {full: 300ms, quick: 200ms}\n```\n"
    return text + blocks + last


@test
def hostile_subjects_are_named_at_their_fence_and_nothing_is_left():
    if not shutil.which("cc"):
        return
    with Folder() as f:
        notebook = hostile_notebook()
        f.file("h.md", notebook.encode())
        done = f.nb("run", "--quick", "--trust", "h.md", check=1)
        said = done.stderr.decode()
        lines = notebook.split("\n")
        for name, (_, words) in HOSTILE.items():
            if not words:
                continue
            fence = lines.index("```c #" + name) + 1
            places = [int(n) for n in re.findall(r"h\.md:(\d+):\d+: error: block `b-%s`" % name, said)]
            assert places and all(fence <= place <= fence + 5 for place in places), (name, fence, said)
            assert re.search(r"b-%s.*%s" % (name, words), said), (name, said)
        assert "`other` returns" in said and "parity==true" in said, said
        after = f.read("h.md").decode()
        assert "nb:result last" in after and "nb:result b-orphan" in after, "other cells go on"
        cache = os.path.join(f.path, ".nb").encode()
        for _ in range(100):
            left = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if cache in link(pid)]
            if not left:
                break
            time.sleep(0.02)
        assert not left, left


def link(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").encode()
    except OSError:
        return b""


@test
def a_profile_names_the_hot_function_and_draws_it():
    if not shutil.which("cc"):
        return
    with Folder() as f:
        loop = "long x = n; for (long i = 0; i < %d; i++) { x = x * 69069 + i; __asm__ volatile(\"\" : \"+r\"(x)); } return x;"
        text = ("# T\n\n```c #two\n__attribute__((noinline)) static long hot(long n) { " + loop % 90000 + " }\n"
                "__attribute__((noinline)) static long cold(long n) { " + loop % 10000 + " }\n"
                "long subject(long n) { return hot(n) + cold(n); }\n```\n\n"
                "```perf\nkind: observe\nid: p\nquery: profile\nfence: two\nduration: 1s\nexpect:\n"
                "  top.self_share: {value: 90pct, tolerance: 8pp}\n```\n")
        f.file("p.md", text.encode())
        f.nb("run", "--trust", "p.md", check=0)
        assert b"| hot |" in f.read("p.md"), f.read("p.md")
        page = f.read("_site/p.html")
        assert b'class="plot flame"' in page and b"Numbers of this profile" in page
        results = json.loads(f.read("results/p.json"))["cells"][0]
        assert any("hot" in stack for stack in results["profile"]["stacks"]), results
        before = f.read("p.md")
        done = f.nb("run", "--trust", "p.md", check=0)
        # The interval of a second run meets that of the first, or says what differs.
        assert f.read("p.md") == before or b"new result" in done.stderr, done.stderr


@test
def budgets_are_shown_and_a_broken_one_ends_with_2():
    with Folder() as f:
        f.file("course.yml", b"title: T\nlessons: [small]\n")
        f.file("small.md")
        entry = "- {metric: small/traffic.mean, limit: '%s', owner: Ada, since: 2026-01-01, why: because}\n"
        f.file("budgets.yml", (entry % "<=1min").encode())
        done = f.nb("check", check=0)
        assert b"unmeasured" in done.stderr, done.stderr
        done = f.nb("run", "--quick", "--only", "traffic", "small.md", check=0)
        assert re.search(rb"pass +small/traffic\.mean", done.stderr), done.stderr
        f.file("budgets.yml", (entry % "<=1ns").encode())
        done = f.nb("run", "--quick", "--check", "--only", "traffic", "small.md", check=2)
        assert re.search(rb"fail +small/traffic\.mean", done.stderr), done.stderr
        assert b"fail" in f.nb("check", check=2).stderr
        f.nb("build", ".", check=0)
        assert b"Performance budgets" in f.read("_site/budgets.html") and b'href="budgets.html"' in f.read("_site/small.html")
        f.file("budgets.yml", b"- {metric: small/traffic.mean, limit: 5, owner: Ada}\n")
        assert b"budgets.yml:1" in f.nb("check", check=1).stderr


@test
def a_theme_of_ones_own_is_made_changed_and_checked():
    with Folder() as f:
        f.file("course.yml", b"title: T\nlang: de\ntheme: mine\nurl: https://example.org/t\nlessons: [a]\n")
        f.file("a.md", b"# A\n\nWords.\n")
        assert b"theme: mine" in f.nb("theme", "new", "mine", check=0).stdout
        assert b"there is a theme of this name" in f.nb("theme", "new", "mine", check=1).stderr
        f.nb("theme", "new", "../x", check=64)
        for name in ("layout.mustache", "style.css", "strings/de.yml"):
            assert b"of the theme mine" in f.read("Themes/mine/" + name).splitlines()[0]
        f.nb("theme", "check", check=0)
        f.file("Themes/mine/missing.mustache", b"<h1>{{title}}</h1>\n<p>MINE {{strings.missingText}}</p>\n")
        f.nb("build", ".", check=0)
        # Own template, own language, and what the copy lacks from the default theme.
        assert b"MINE" in f.read("_site/404.html") and b"Zum Text springen" in f.read("_site/a.html") and f.read("_site/theme.js")
        assert b"<loc>https://example.org/t/a.html</loc>" in f.read("_site/sitemap.xml")
        f.file("Themes/mine/missing.mustache", b"<h1>{{tilte}}</h1>\n")
        f.file("Themes/mine/strings/de.yml", b"next: Weiter\nprevius: x\n")
        done = f.nb("build", ".", check=1).stderr
        assert b"Themes/mine/missing.mustache:1:5" in done and b"strings/de.yml:2:1" in done, done
        assert b"did you mean `title`?" in f.nb("theme", "check", "mine", check=1).stderr


@test
def a_regression_against_a_revision_is_found_and_reported():
    if not (shutil.which("cc") and shutil.which("git")):
        return
    with Folder() as f:
        fence = ("long subject(long n) { unsigned long s = 1; for (long i = 0; i < %d; i++) "
                 "{ s = s * 69069 + 1; __asm__ volatile(\"\" : \"+r\"(s)); } return 7; }")
        text = ("# T\n\n```c #work\n" + fence + "\n```\n\n```c #steady\nlong subject(long n) { return n; }\n```\n\n"
                "```perf\nkind: bench\nid: b\nsubjects: [{fence: work}]\nblock_time: {full: 2s, quick: 1s}\n```\n\n"
                "```perf\nkind: bench\nid: same\nsubjects: [{fence: steady}]\n```\n")
        f.file("n.md", (text % 20000).encode())
        identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        for words in (["init", "-q"], ["add", "n.md"], identity + ["commit", "-qm", "one"]):
            subprocess.run(["git", *words], cwd=f.path, check=True, capture_output=True)
        f.nb("run", "--trust", "--check", "--baseline", "HEAD", "--only", "b", "n.md", check=0)
        f.file("n.md", (text % 30000).encode())
        now = f.read("n.md")
        done = f.nb("run", "--trust", "--check", "--baseline", "HEAD", "--junit", "j.xml", "--github", "n.md", check=2)
        assert re.search(rb"^b +work .*slower", done.stderr, re.M) and not re.search(rb"^same ", done.stderr, re.M), done.stderr
        assert b"::error file=n.md,line=11" in done.stdout, done.stdout
        xml = f.read("j.xml").decode()
        import xml.etree.ElementTree as tree
        failures = tree.fromstring(xml).findall(".//failure")
        assert len(failures) == 1 and "work" in failures[0].get("message"), xml
        assert f.read("n.md") == now, "a check writes nothing"
        done = f.nb("run", "--trust", "--check", "--baseline", "nosuch", "--quick", "n.md", check=1)
        assert b"no-baseline" in done.stderr, done.stderr


@test
def the_machine_and_the_past_can_be_asked():
    with Folder() as f:
        lines = [json.loads(line) for line in f.nb("doctor", "--json", check=0).stdout.splitlines()]
        assert len(lines) > 10, lines
        f.file("h.csv", b"date,value,commit\n" + b"".join(
            b"2026-01-%02d,%d,c%d\n" % (day + 1, 100 + day % 3 + (30 if day >= 12 else 0), day) for day in range(24)))
        done = f.nb("history", "--import", "h.csv", check=0)
        assert b"change at run 13" in done.stdout and b"c12" in done.stdout, done.stdout
        f.file("small.md")
        f.nb("run", "--only", "traffic", "small.md")
        done = f.nb("history", "small/traffic", check=0)
        assert b"small/traffic" in done.stdout, done.stdout
        assert b"did you mean" in f.nb("history", "small/trafic.mean", check=1).stderr


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


STORE = b"""# Orders without and with an index

```perf
kind: system
id: store
origin:
  routes:
    GET /orders/{user_id}:
      - sql: {as: db, fence: by-user, pool: 2}
data:
  orders: {rows: 5000, schema: orders}
  items: {rows: 15000, schema: items, index: [[order_id]]}
```

```perf
kind: bench
id: index
uses: store
subjects:
  - {fence: by-user, name: none}
  - {fence: by-user, name: indexed, set: {orders.index: [[user_id]]}}
  - {fence: by-user, name: covering, set: {orders.index: [[user_id, amount]]}}
compare: {baseline: none}
gate: ['parity==true', 'none.vm_steps>=15000', 'none.scan_steps==4999', 'indexed.vm_steps<=300', 'indexed.scan_steps==0', 'covering.scan_steps==0']
```

```sql #by-user
SELECT sum(amount) FROM orders WHERE user_id = :user_id
```

```perf
kind: bench
id: writecost
uses: store
subjects:
  - {fence: order, name: none}
  - {fence: order, name: four, set: {orders.index: [[user_id], [product_id], [status], [placed]]}}
compare: {baseline: none}
gate: ['parity==true', 'none.rows==1', 'four.rows==1']
```

```sql #order
INSERT INTO orders (user_id, product_id, amount, status, placed) VALUES (:user_id, :product_id, :amount, :status, :placed)
```
"""


@test
def subjects_differ_in_their_indexes_and_show_their_plans():
    with Folder() as f:
        f.file("store.md", STORE)
        f.nb("run", "--trust", "--quick", "--no-html", "store.md", check=0)
        text = f.read("store.md").replace(b"\\", b"")
        for plan in [b"none: plan: SCAN orders\n", b"indexed: plan: SEARCH orders USING INDEX orders_user_id (user_id=?)",
                     b"covering: plan: SEARCH orders USING COVERING INDEX orders_user_id_amount (user_id=?)"]:
            assert plan in text, text.decode()
        assert text.count(b"parity: yes") == 2, text.decode()
        found = json.loads(f.nb("lab", "describe", "store.md#store", "--json", "--set", "orders.rows=7", "--set", "orders.index=[[user_id], [placed]]",
                                check=0).stdout)
        assert found["data"][0]["indexes"] == [["user_id"], ["placed"]] and found["data"][0]["rows"] == 7, found["data"]
        for bad, word in [("orders.index=[[user]]", b"`user_id`"), ("orders.index=user_id", b"`orders`"), ("orders.row=3", b"`orders.rows`"),
                          ("orders.rows=x", b"whole number")]:
            done = f.nb("lab", "describe", "store.md#store", "--set", bad, check=1)
            assert done.stderr.count(b"error") == 1 and word in done.stderr, (bad, done.stderr)
        if not real_components.missing("postgres", "initdb"):
            f.file("real.md", re.sub(rb", '[a-z]+[.](vm_steps|scan_steps|rows)[^']*'", b"", STORE))
            f.nb("run", "--trust", "--quick", "--no-html", "--real", "postgres", "real.md", check=0)
            text = f.read("real.md").replace(b"\\", b"")
            assert text.count(b"parity: yes") == 2 and b"Seq Scan on orders" in text and b"orders_user_id" in text, text.decode()


@test
def seeded_tables_are_exported_the_same_everywhere():
    with Folder() as f:
        f.file("store.md", STORE)
        rows = f.nb("data", "export", "orders", "--rows", "3", check=0).stdout
        assert rows == (b"id,user_id,product_id,amount,status,placed\n1,1,48,2857,delivered,1736802331\n2,1,626,2400,delivered,1747283881\n"
                        b"3,1,118,1639,delivered,1765525936\n"), rows
        assert f.nb("data", "export", "orders", "--rows", "3", "--seed", "2", check=0).stdout != rows
        f.nb("data", "export", "orders", "--rows", "3", "-o", "orders.csv", check=0)
        assert f.read("orders.csv") == rows and sorted(os.listdir(f.path)) == ["orders.csv", "store.md"], os.listdir(f.path)
        items = f.nb("data", "export", "store.md#store.items", "--format", "json", check=0).stdout.splitlines()
        assert len(items) == 15000 and {json.loads(line)["order_id"] for line in items} <= set(range(1, 5001))
        import sqlite3
        with sqlite3.connect(":memory:") as database:
            database.executescript(f.nb("data", "export", "store.md#store.items", "--format", "sql", check=0).stdout.decode())
            assert database.execute("SELECT count(*), count(DISTINCT order_id) > 3000 FROM items").fetchone() == (15000, 1)
            assert database.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall() == [("items_order_id",)]
        assert f.nb("data", "export", "nightly", check=0).stdout.count(b"\n") == 61
        assert b"took_us" in f.nb("data", "list", check=0).stdout
        for bad, word in [(["ordrs"], b"orders"), (["shop.product"], b"products"), (["store.md#store.item"], b"items"), (["orders", "-o", "none/x"], b"none/x")]:
            done = f.nb("data", "export", *bad, check=1)
            assert word in done.stderr and done.stderr.count(b"error") == 1, done.stderr


EDGE = b"""# An edge before three origins

```perf
kind: system
id: fleet
origin:
  count: 3
  workers: 8
  routes:
    GET /item/{id}:
      - bytes: {as: body, size: 2KiB, etag: true, cache_control: max-age=1}
    GET /plain/{id}:
      - bytes: {as: plain, size: 1KiB}
edge:
  upstream: origin
  timeout: 500ms
  health: {interval: 100ms, fall: 2, rise: 2}
  cache: {capacity: 100}
  retry: {max: 2, budget: 50pct}
```

```perf
kind: system
id: gate
origin:
  routes:
    GET /plain/{id}:
      - bytes: {size: 1KiB}
edge:
  upstream: origin
  limit: {rate: 1rps, burst: 2, key: "header:X-Client"}
```
"""


@test
def an_edge_balances_caches_limits_and_does_without_the_dead():
    import http.client

    def get(path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer

    def counters():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/_nb/counters")
        return json.loads(connection.getresponse().read())

    def fault(target, seconds, toxic="stall"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/_nb/fault", body=json.dumps({"target": target, "toxic": toxic, "duration": int(seconds * 1e9)}))
        assert connection.getresponse().status == 200

    def until(what):
        for _ in range(1500):
            if what():
                return
            time.sleep(0.02)
        raise AssertionError(counters())

    with Folder() as f:
        f.file("edge.md", EDGE)
        process = subprocess.Popen([NB, "lab", "serve", "edge.md#fleet"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
            first, second = get("/item/1"), get("/item/1")
            assert (first.status, first.headers["X-Cache"], first.headers["Age"]) == (200, "MISS", None), first.headers
            assert (second.status, second.headers["X-Cache"]) == (200, "HIT") and int(second.headers["Age"]) >= 0, second.headers
            assert get("/item/1", **{"If-None-Match": first.headers["ETag"]}).status == 304
            time.sleep(1.1)
            assert get("/item/1").status == 200 and counters()["edge.revalidated"] >= 1, counters()
            for i in range(30):
                assert get("/plain/%d" % i).status == 200
            assert all(counters()["origin.%d.requests" % n] >= 8 for n in (1, 2, 3)), counters()
            # A killed instance: nobody sees it, and it gets nothing until it has risen.
            fault("origin.2", 3, "kill")
            for i in range(20):
                assert get("/plain/%d" % i).status == 200
            now = counters()
            assert now["edge.origin.2.falls"] == 1 and 0 < now["edge.retries"] <= 20 and now["edge.refused"] >= 0, now
            asked = now["edge.origin.2.requests"]
            until(lambda: get("/plain/1").status == 200 and counters()["edge.origin.2.requests"] > asked)
            # A stalled one leaves service by its checks.
            fault("origin.3", 3)
            until(lambda: counters()["edge.origin.3.falls"] == 1)
            asked = counters()["edge.origin.3.requests"]
            for i in range(9):
                assert get("/plain/%d" % i).status == 200
            assert counters()["edge.origin.3.requests"] == asked, counters()
        finally:
            process.terminate()
            process.wait()
        process = subprocess.Popen([NB, "lab", "serve", "edge.md#gate"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
            answers = [get("/plain/1", **{"X-Client": "a"}) for _ in range(12)]
            refused = [answer for answer in answers if answer.status == 429]
            assert answers[0].status == 200 and answers[0].headers["RateLimit"], answers[0].headers
            assert refused and all(int(answer.headers["Retry-After"]) == 1 for answer in refused)
            assert refused[0].headers["RateLimit-Policy"] == '"default";q=2;w=2', refused[0].headers
            assert get("/plain/1", **{"X-Client": "b"}).status == 200 and counters()["edge.limited"] == len(refused)
        finally:
            process.terminate()
            process.wait()
        wait_gone()


@test
def presets_are_listed_drawn_and_served_with_overrides():
    with Folder() as f:
        listed = f.nb("lab", "list", check=0).stdout
        asked = {b"shop": "/product/3", b"pool": "/order/3", b"broken-shop": "/similar/3"}
        for name, path in asked.items():
            assert b"\n%s " % name in b"\n" + listed, listed
            name = name.decode()
            drawn = f.nb("lab", "describe", name, check=0).stdout
            assert b"clients" in drawn and "└".encode() in drawn, drawn
            import xml.etree.ElementTree
            picture = xml.etree.ElementTree.fromstring(f.nb("lab", "describe", name, "--svg", check=0).stdout)
            assert len(picture.findall("{*}title")) == len(picture.findall("{*}desc")) == 1
            assert json.loads(f.nb("lab", "describe", name, "--json", "--set", "origin.workers=3", check=0).stdout)["roles"][0]["workers"] == 3
            process = subprocess.Popen([NB, "lab", "serve", name, "--set", "origin.workers=3"], cwd=f.path, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            try:
                port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
                import http.client
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request("GET", path)
                answer = connection.getresponse()
                assert answer.status == 200 and answer.read(), name
                connection.request("GET", "/_nb/system")
                assert json.loads(connection.getresponse().read())["roles"][0]["workers"] == 3
            finally:
                process.terminate()
                process.wait()
        wrong = f.nb("lab", "serve", "shop", "--set", "origin.worker=3", "--set", "product-cache.ttl=5", check=1).stderr
        assert b"did you mean `origin.workers`?" in wrong and b"has no unit" in wrong, wrong
        with open(os.path.join(f.path, "own.md"), "wb") as out:
            out.write(b"```perf\nkind: system\nid: tiny\norigin: {routes: {GET /ping: [{bytes: {size: 2B}}]}}\n```\n")
        assert b"GET /ping" in f.nb("lab", "describe", "own.md#tiny", "--set", "bytes.size=1KiB", check=0).stdout
        assert b"FILE#ID" in f.nb("lab", "describe", "own.md#huge", check=1).stderr
        wait_gone()


@test
def load_from_the_shell_is_judged_and_exported():
    with Folder() as f:
        process = subprocess.Popen([NB, "lab", "serve", "shop"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
            url = "http://127.0.0.1:%d/product/7" % port
            done = f.nb("load", url, "--iterations", "200", "--users", "4", "--json", "--html", "r.html", "--csv", "w.csv",
                        "--slo", "p99<1min", "--slo", "errors<1%", check=0)
            found = json.loads(done.stdout)
            assert found["requests"] == 200 and found["statuses"] == {"200": 200} and found["errors"] == {}, found
            assert found["verdict"] == "VALID" and found["response_time"]["p99"] >= found["response_time"]["p50"] > 0, found
            assert [one["outcome"] for one in found["thresholds"]] == ["pass", "pass"], found
            assert b"<svg" in f.read("r.html") and b"src=" not in f.read("r.html") and b"default-src 'none'" in f.read("r.html")
            assert f.read("w.csv").startswith(b"start_s,rate,failed,p50_ns,p99_ns\n"), f.read("w.csv")
            f.nb("load", url, "--iterations", "50", "--users", "2", "--slo", "p50<1ns", check=2)
            done = f.nb("load", url.replace("product", "nothing"), "--iterations", "20", "--users", "2", "--json", check=3)
            found = json.loads(done.stdout)
            assert found["verdict"] == "INVALID" and found["response_time"] is None and found["errors"] == {"status": 20}, found
        finally:
            process.terminate()
            process.wait()
        wait_gone()
        for words, code, said in [(["http://example.com/"], 1, b"--i-own example.com"), ([url, "--rate", "10", "--duration", "1s"], 1, b"refused"),
                                  ([url, "--slo", "p9<1ms"], 64, b"did you mean"), ([url, "--rate", "1", "--users", "2"], 64, b"exclude"),
                                  (["ftp://127.0.0.1/"], 64, b"not a URL"), ([url, "--find-capacity"], 64, b"needs an objective")]:
            done = f.nb("load", *words, check=code)
            assert said in done.stderr, (words, done.stderr)


@test
def what_a_load_cost_both_ends_is_counted_as_strace_counts_it():
    with Folder() as f:
        process = subprocess.Popen([NB, "lab", "serve", "shop"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
            words = ["load", "http://127.0.0.1:%d/product/7" % port, "--iterations", "300", "--users", "5", "--no-kernel-stamps", "--json"]
            found = json.loads(f.nb(*words, check=0).stdout)
            target, own, wire = found["target_use"], found["generator_use"], found["tcp"]
            assert target["processes"] == 1 and target["cpu_per_req"] > 0 and target["rss"] > 1e6, target
            # Five connections of the load, the listener, what every process has: more than the five, and not hundreds.
            assert 6 <= target["descriptors"] < 100 and own["descriptors"] >= 6, (target, own)
            assert target["io_calls_per_req"] >= 1, target
            # Unknown is null with a reason, and never 0.
            assert target["fsyncs"] is None and target["unknown"]["fsyncs"] and target["syscalls_per_req"] is None, target
            assert own["syscalls"]["sendto"] == 300 and own["syscalls"]["connect"] == 5, own
            assert wire["connections"] == 5 and wire["retransmits"] == 0, wire
            assert wire["bytes_sent"] == found["bytes_out"] and wire["bytes_received"] == found["bytes_in"], (wire, found)
            if not shutil.which("strace"):
                print("        not compared with strace: it is missing")
                return
            traced = subprocess.run(["strace", "-f", "-c", "-o", "calls.txt", NB, *words], cwd=f.path, capture_output=True,
                                    timeout=120, stdin=subprocess.DEVNULL)
            if traced.returncode != 0 or not os.path.exists(os.path.join(f.path, "calls.txt")):
                print("        not compared with strace: it may not trace here")
                return
            ours = json.loads(traced.stdout)["generator_use"]["syscalls"]
            theirs = {}
            for line in f.read("calls.txt").decode().splitlines():
                fields = line.split()
                if len(fields) >= 5 and fields[3].isdigit():
                    theirs[fields[-1]] = int(fields[3])
            # getsockopt and close come after the load as well: TCP_INFO of each connection, and its end.
            for name in ["sendto", "recvfrom", "connect", "setsockopt", "epoll_ctl"]:
                assert ours[name] == theirs.get(name, 0), (name, ours, theirs)
            assert ours["epoll_wait"] == theirs.get("epoll_wait", 0) + theirs.get("epoll_pwait2", 0), (ours, theirs)
        finally:
            process.terminate()
            process.wait()
        wait_gone()


@test
def windows_and_limits_end_or_name_what_went_wrong():
    with Folder() as f:
        process = subprocess.Popen([NB, "lab", "serve", "shop"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
            url = "http://127.0.0.1:%d/product/7" % port
            load = ["load", url, "--rate", "200", "--json"]
            done = f.nb(*load, "--duration", "1s", "--slo", "p50<1min every 250ms", "--slo", "rate>1 from 0 to 500ms")
            found = json.loads(done.stdout)
            # Poisson arrivals on a machine that may be busy: DEGRADED is allowed, a verdict of the windows is not lost by it.
            if found["verdict"] != "INVALID":
                assert [one["outcome"] for one in found["thresholds"]] == ["pass", "pass"], found
                assert found["thresholds"][0]["window"].endswith(" s"), found
            done = f.nb(*load, "--duration", "1s", "--slo", "p50<1ns every 250ms")
            found = json.loads(done.stdout)
            if found["verdict"] != "INVALID":
                assert done.returncode == 2 and found["thresholds"][0]["window"] == "0 s to 0.25 s", (done.returncode, found)
            # A minute of load that fails from the first request on is over at once.
            done = f.nb("load", url.replace("product", "nothing"), "--users", "2", "--think-time", "1ms", "--duration", "60s", "--json",
                        "--slo", "errors<1%", "--abort-on-fail", check=2)
            found = json.loads(done.stdout)
            assert found["partial"] and found["thresholds"][0]["outcome"] == "fail" and found["elapsed_s"] < 50, found
            assert b"no window" in f.nb(*load, "--slo", "p99<1ms every day", check=64).stderr
        finally:
            process.terminate()
            process.wait()
        wait_gone()


TWINS = b"""# Twins

```perf
kind: system
id: counter
origin:
  workers: 1
  queue: {limit: 1000}
  routes:
    GET /:
      - wait: {as: till, dist: constant, mean: 10ms, stands_for: a till}
```

```perf
kind: load
id: open
uses: counter
executor: constant-arrival-rate
rate: 80rps
duration: 4s
twin: closed
scenario: [{get: /}]
expect:
  mean: {theory: twin, tolerance: 10pct}
block_time: {full: 9s, quick: 9s}
```
"""


@test
def twins_of_a_run_have_known_answers():
    with Folder() as f:
        f.file("twins.md", TWINS)
        f.nb("run", "twins.md", check=0)
        cell = json.loads(f.read("results/twins.json"))["cells"][0]
        whole = [arm for arm in cell["arms"] if arm["name"] == ""][0]["metrics"]
        value = {name: one["estimate"] if isinstance(one["estimate"], float | int) else one["estimate"][0] for name, one in whole.items()}
        # A till that takes 10 ms and is never idle: N users wait N times that, and no queue can be faster than its ideal.
        users = value["closed_users"]
        assert users >= 1 and 0.99 < value["closed_mean"] / (users * 10e6) < 1.5, value
        assert 0.99 < value["mean_over_twin"] < 1.5 and 0.97 < value["p99_over_twin"] < 1.5, value
        text = f.read("twins.md").decode()
        assert "closed users: " in text and "mean over twin: " in text and "predicted" in text, text


QUEUE = b"""# A queue

```perf
kind: system
id: queue
origin:
  routes:
    POST /each/{id}:
      - publish: {as: each, topic: orders, fsync: each}
    POST /group/{id}:
      - publish: {as: group, topic: orders, fsync: batch}
    POST /none/{id}:
      - publish: {as: none, topic: orders, fsync: none}
worker:
  consumes: orders
  batch: 7
  linger: 5ms
  stages:
    - sql: {as: store, statement: "INSERT OR IGNORE INTO shipped(id, name) VALUES (:offset + 1, :id)", per: batch}
data:
  shipped: {rows: 0}
```

Without a database, whose own syncs would be counted too.

```perf
kind: system
id: counted
origin:
  routes:
    POST /each/{id}:
      - publish: {as: each, topic: orders, fsync: each}
    POST /group/{id}:
      - publish: {as: group, topic: orders, fsync: batch}
    POST /none/{id}:
      - publish: {as: none, topic: orders, fsync: none}
worker: {consumes: orders, batch: 7, linger: 5ms, stages: []}
```
"""


class Lab:
    """A lab of its own process, perhaps under another program."""
    def __init__(self, folder, *options, system="queue.md#queue", under=()):
        self.process = subprocess.Popen([*under, NB, "lab", "serve", system, *options], cwd=folder.path,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        first = self.process.stdout.readline()
        assert first, "the lab did not come up"
        self.port = int(re.search(rb":(\d+)", first).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in (self.process.terminate, self.process.kill):
            if self.process.poll() is None:
                end()
                try:
                    self.process.wait(20)
                except subprocess.TimeoutExpired:
                    pass
        self.process.stdout.close()

    def connection(self):
        import http.client
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def counters(self):
        connection = self.connection()
        connection.request("GET", "/_nb/counters")
        return json.loads(connection.getresponse().read())

    def publish(self, route, ids):
        """Offsets of the ids that were acknowledged, until the lab is gone."""
        import http.client
        connection, kept = self.connection(), {}
        try:
            for id in ids:
                connection.request("POST", f"/{route}/{id}")
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 202, (answer.status, body)
                kept[id] = json.loads(body)["offset"]
        except (OSError, http.client.HTTPException):
            pass
        return kept

    def in_threads(self, route, threads, count):
        """What several connections published at the same time."""
        import concurrent.futures
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            parts = pool.map(lambda t: self.publish(route, [f"{t}-{i}" for i in range(count)]), range(threads))
            return {id: offset for part in parts for id, offset in part.items()}

    def drained(self):
        for _ in range(1000):
            counters = self.counters()
            if counters["orders.depth"] == 0 and counters["worker.in_flight"] == 0:
                return counters
            time.sleep(0.02)
        raise AssertionError(f"the worker did not finish: {counters}")


@test
def every_sync_that_is_counted_is_a_system_call():
    probe = shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
    if not probe or probe.returncode != 0:
        print("skipped every_sync_that_is_counted_is_a_system_call: strace is missing or may not trace here")
        return
    with Folder() as f:
        f.file("queue.md", QUEUE)
        trace = os.path.join(f.path, "trace")
        for route, threads, count in [("each", 1, 40), ("each", 8, 10), ("group", 8, 40), ("none", 4, 20)]:
            with Lab(f, system="queue.md#counted", under=["strace", "-f", "-o", trace, "-e", "trace=fsync,fdatasync"]) as lab:
                kept = lab.in_threads(route, threads, count)
                counters = lab.drained()
                # strace ends after what it traces, and the lab's own end syncs nothing.
                os.kill(children_of(b"queue.md#counted")[0], signal.SIGTERM)
                lab.process.wait(20)
            calls = len(re.findall(r"^\d+ +fdatasync\(", f.read("trace").decode(), flags=re.M))
            assert len(kept) == threads * count and sorted(kept.values()) == list(range(threads * count))
            published, batches = counters["orders.fsyncs"], counters["worker.fsyncs"]
            assert calls == published + batches, (route, calls, counters)
            assert batches == counters["worker.batches"] and counters["worker.acked"] == threads * count, counters
            assert published == {"each": threads * count, "group": counters["orders.commits"], "none": 0}[route], (route, counters)
            assert route != "group" or published < threads * count, "eight at once, and never two in one commit"
        wait_gone()


@test
def what_was_answered_survives_sigkill_and_happens_once():
    import sqlite3
    import threading
    with Folder() as f:
        f.file("queue.md", QUEUE)
        kept = {}
        for route in ["each", "group", "none"]:
            with Lab(f, "--directory", os.path.join(f.path, "kept")) as lab:
                found = {}
                work = threading.Thread(target=lambda: found.update(lab.in_threads(route, 6, 2000)))
                work.start()
                while lab.counters()["orders.published"] < 200:
                    time.sleep(0.005)
                lab.process.kill()
                lab.process.wait()
                work.join()
                assert 200 <= len(found) < 12000, len(found)
                offsets = sorted(found.values())
                assert len(set(offsets)) == len(offsets), "two messages at one place"
                kept[route] = found
        with Lab(f, "--directory", os.path.join(f.path, "kept")) as lab:
            lab.drained()
            with sqlite3.connect(os.path.join(f.path, "kept/data.sqlite")) as database:
                rows = dict(database.execute("SELECT id - 1, name FROM shipped"))
        for route in ["each", "group", "none"]:
            for id, offset in kept[route].items():
                assert rows.get(offset) == id, (route, id, offset, rows.get(offset))
        assert sorted(rows) == list(range(len(rows))), "every message once, none left out"
        wait_gone()


COUNTED = b"""# Counted

```perf
kind: system
id: line
origin:
  routes:
    POST /order/{id}:
      - publish: {as: accept, topic: orders, fsync: none}
    GET /page:
      - alloc: {as: objects, kind: mark-sweep, live: 64KiB, heap: 128KiB, per_request: 32KiB}
worker: {consumes: orders, batch: 25, linger: 10s, stages: []}
```

Four hundred messages in batches of twenty-five that wait until they are full.

```perf
kind: load
id: queue
uses: line
executor: shared-iterations
vus: 4
iterations: 400
scenario: [{post: "/order/{id}", key: {dist: sequential, n: 400}}]
thresholds:
  published: ['==400']
  processed: ['>=375']
  fsyncs_per_msg: ['==0.04']
  lost: ['<=0']
  duplicates: ['<=0']
block_time: {full: 2s, quick: 2s}
```

A thousand live objects, as much room, and five hundred new ones in each of two hundred requests.

```perf
kind: load
id: heap
uses: line
executor: shared-iterations
vus: 2
iterations: 200
scenario: [{get: /page}]
thresholds:
  live_objects: ['==1024']
  collections: ['>=99', '<=101']
block_time: {full: 2s, quick: 2s}
```

```perf
kind: bench
id: commit
uses: line
subjects: [{builtin: commit}]
vary: {param: worker.batch, values: [1, 8, 25]}
expect:
  fsyncs_per_msg: {theory: batch, tolerance: 0.000001}
block_time: {full: 1s, quick: 1s}
```

```perf
kind: bench
id: headroom
uses: line
subjects: [{builtin: alloc}]
vary: {param: objects.heap, values: [80KiB, 128KiB, 512KiB]}
thresholds:
  collections_error: ['<=1']
block_time: {full: 1s, quick: 1s}
```
"""


@test
def fsyncs_and_collections_are_what_their_laws_say():
    with Folder() as f:
        f.file("counted.md", COUNTED)
        f.nb("run", "--no-html", "counted.md", check=0)
        text = f.read("counted.md").decode()
        assert text.count("| pass |") == 5 + 3 + 3 + 1 and "fail" not in text and "inconclusive" not in text, text
        for batch, syncs in [(1, "1"), (8, "0.125"), (25, "0.0400")]:
            assert re.search(rf"commit, batch = {batch} \|.*\| {syncs} \| {syncs} \|", text), text
        wait_gone()


REQUIRES = """# T

```perf
kind: lesson
id: t
day: 1
title: T
claims:
  - {id: there, text: it counts, verified_by: elsewhere.thresholds}
```

{{ claim there }}

```perf
kind: bench
id: elsewhere
requires: {tools: [nb-e2e-tool]}
subjects:
  - {shell: 'echo Pause 2ms; echo Pause 3 ms >&2', name: gc, counts: {collections: 'Pause', gc_time: 'Pause ([0-9]+ ?ms)'}}
thresholds: {collections: ['==2'], gc_time: ['==5ms']}
block_time: {full: 1s, quick: 300ms}
```

```perf
kind: cost
id: money
formula: F3
inputs:
  cpu_per_req: ${elsewhere.time}
  usd_per_vcpu_hour: 0.036 USD/h
  target_utilisation: 60pct
  rate: 900rps
  vcpu_per_instance: 2
```
"""


@test
def what_a_machine_cannot_run_is_no_failure_and_no_pass():
    with Folder() as f:
        f.file("t.md", REQUIRES.encode())
        f.nb("check", "t.md", check=0)
        path = f.path + ":" + os.environ["PATH"]

        def run(*options, check=0):
            return f.nb("run", "--quick", "--trust", "--no-html", *options, "t.md", check=check, env=os.environ | {"PATH": path})

        done = run("--json")
        assert b"not run here: elsewhere needs `nb-e2e-tool`" in done.stderr, done.stderr
        first, second = map(json.loads, done.stdout.splitlines())
        assert first["unmet"] == "`nb-e2e-tool`" and "failure" not in first and first["arms"] == first["thresholds"] == []
        assert second["unmet"] == "the result of `elsewhere`, which needs `nb-e2e-tool`"
        text = f.read("t.md").decode()
        assert text.count("> **Not run here:** needs ") == 2 and "| pass |" not in text and "{{ claim there }}" in text, text
        assert b"nothing to run" not in run("--stale").stderr, "it is asked again"
        # The tool comes.
        with open(os.path.join(f.path, "nb-e2e-tool"), "w") as tool:
            tool.write("#!/bin/sh\n")
        os.chmod(tool.name, 0o755)
        run()
        good = f.read("t.md").decode()
        assert "Not run here" not in good and "*verified here*" in good and "as the programs themselves say" in good, good
        assert re.search(r"\| gc \|.*\| 2 \| 5\.0\d* ms", good), good
        # It goes: the numbers stay, and nothing of them holds here, on a page that is built later as well.
        os.remove(tool.name)
        run()
        gone = f.read("t.md").decode()
        assert gone.count("> **Not run here:** needs ") == 2 and "*inconclusive*" in gone and re.search(r"\| gc \|.*\| 2 \| 5\.0\d* ms", gone), gone
        assert run() is not None and f.read("t.md").decode() == gone, "a fixed point"
        assert b"not run here" in run("--check", "--junit", "j.xml").stderr and b"<skipped message=" in f.read("j.xml")
        with open(tool.name, "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(tool.name, 0o755)
        run("--stale")
        assert "Not run here" not in f.read("t.md").decode()
        assert f.nb("clean", "--stdout", "t.md", check=0).stdout == REQUIRES.encode()


@test
def stages_sleep_as_their_class_says():
    audit = os.path.join(HERE, "..", "SleepAudit", "audit.py")
    done = subprocess.run([sys.executable, audit, NB], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    if done.stdout.startswith("skipped"):
        print("        " + done.stdout.strip())
    wait_gone()


WRITING = b'''```perf
kind: system
id: pages
origin:
  routes:
    GET /gzip: [{bytes: {size: 64KiB, compress: gzip, etag: true}}]
    GET /one: [{bytes: {size: 2KiB}}]
    GET /apart: [{bytes: {size: 2KiB, writes: 2}}]
    GET /nagle: [{bytes: {size: 2KiB, writes: 2, nodelay: false}}]
```
'''


@test
def bodies_are_compressed_and_written_as_declared():
    import gzip
    import http.client
    import statistics
    import struct
    with Folder() as f:
        f.file("pages.md", WRITING)
        process = subprocess.Popen([NB, "lab", "serve", "pages.md#pages"], cwd=f.path, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))

            def get(connection, path, **headers):
                connection.putrequest("GET", path, skip_accept_encoding=True)
                for name, value in headers.items():
                    connection.putheader(name.replace("_", "-"), value)
                connection.endheaders()
                answer = connection.getresponse()
                return answer, answer.read()

            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            plain, body = get(connection, "/gzip")
            assert plain.headers["Content-Encoding"] is None and plain.headers["Vary"] == "Accept-Encoding" and len(body) == 65536
            packed, bytes_ = get(connection, "/gzip", Accept_Encoding="br, gzip;q=0.5")
            assert packed.headers["Content-Encoding"] == "gzip" and packed.headers["Vary"] == "Accept-Encoding"
            assert gzip.decompress(bytes_) == body and len(bytes_) < 0.7 * len(body), len(bytes_)
            assert packed.headers["ETag"] != plain.headers["ETag"], "other bytes, another strong tag"
            again, nothing = get(connection, "/gzip", Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"])
            assert again.status == 304 and nothing == b"" and again.headers["Vary"] == "Accept-Encoding"
            assert get(connection, "/gzip", If_None_Match=packed.headers["ETag"])[0].status == 200
            assert get(connection, "/gzip", Accept_Encoding="gzip;q=0, *")[0].headers["Content-Encoding"] is None

            def segments(path):
                # tcpi_data_segs_in, the 153rd byte of Linux's tcp_info: counted by the kernel.
                own = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                times = []
                for _ in range(16):
                    start = time.monotonic()
                    get(own, path)
                    times.append(time.monotonic() - start)
                info = own.sock.getsockopt(socket.IPPROTO_TCP, 11, 256)
                return struct.unpack_from("I", info, 152)[0] / 16, statistics.median(times[-8:])

            one, apart, nagle = segments("/one"), segments("/apart"), segments("/nagle")
            assert (one[0], apart[0], nagle[0]) == (1, 2, 2), (one, apart, nagle)
            # A delayed acknowledgement takes 40 ms, an answer without it a small part of one: a ratio, not a time.
            assert nagle[1] > 5 * apart[1], (one, apart, nagle)
        finally:
            process.terminate()
            process.wait()
        wait_gone()


def main():
    wanted = sys.argv[2:]
    for part in (
        authoring,
        comparisons,
        course_runs,
        course_text,
        crash_children,
        crash_kills,
        crash_walk,
        crashes,
        exercises,
        faults,
        hostile,
        language_server,
        learner,
        load_peers,
        market,
        money,
        network,
        observe,
        predictions,
        real_components,
        serving,
        simulations,
        site_build,
        telemetry,
        telemetry_queries,
        transports,
        trust,
    ):
        TESTS.extend(part.tests(Folder))
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
