"""The fault bus with the built nb: a chaos block that uses several toxics, limits of the CPU, and that nothing stays behind."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

SYSTEM = b"""```perf
kind: system
id: stormy
edge: {upstream: origin}
origin:
  workers: 16
  routes:
    GET /page:
      - bytes: {size: 1KiB}
    GET /work:
      - cpu: {work: spin, units: 2000}
```
"""

CHAOS = SYSTEM + b"""
```perf
kind: chaos
id: storm
uses: stormy
executor: constant-vus
vus: 4
thinkTime: 20ms
duration: 6s
scenario: [{get: "/page"}]
compare:
  runs: 6
  metric: http_req_failed
  baseline:
    name: storm
    faults:
      - {at: 500ms, target: origin, toxic: error_rate, share: 1, status: 500}
      - {at: 100ms, for: 200ms, target: edge, toxic: latency, latency: 150ms}
      - {at: 0s, target: lab, toxic: cpu_limit, cpus: 0.4}
  candidates: [{name: calm}]
thresholds:
  # About the second half of each slice; a fault that stayed would spoil all of the slices but the first: 0.92.
  storm.http_req_failed: ['>=0.35', '<=0.78']
  calm.http_req_failed: ['<=0']
  storm.max: ['>=100ms']
  storm.cpu_periods: ['>=10']
```
"""

JAIL = SYSTEM + b"""
```perf
kind: chaos
id: jail
uses: stormy
executor: constant-vus
vus: 2
duration: 20s
scenario: [{get: "/work"}]
faults: [{at: 0s, target: lab, toxic: cpu_limit, cpus: 0.1, period: 500ms}]
```
"""


def state(pid):
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tests(Folder):
    nb = Folder.program

    labs = Folder.children_of

    def until(what, seconds=20):
        for _ in range(int(seconds * 50)):
            if what():
                return
            time.sleep(0.02)
        raise AssertionError(f"it never came: {what}")

    def gone():
        until(lambda: not labs(b"lab"))

    def groups():
        return [os.path.join(path, name) for path, names, _ in os.walk("/sys/fs/cgroup") for name in names if re.fullmatch(r"nb-\d+", name)]

    def a_storm_has_its_faults_and_leaves_none_behind():
        for by, words in (("", "by a "), ("signals", "by a SIGSTOP/SIGCONT controller, period 100 ms")):
            with Folder() as f:
                f.file("storm.md", CHAOS)
                # The block judges itself by its thresholds.
                f.nb("run", "storm.md", env={**os.environ, "NB_CPU_LIMIT": by}, check=0)
                text = f.read("storm.md").decode()
                assert f"storm: CPU limited to 0.4 {words}" in text and "calm: CPU" not in text and "evidence W" in text, text
            gone()
        assert not groups(), groups()

    def a_limit_holds_the_lab_and_goes():
        """By hand, as with curl; by a control group where there may be one, and by signals."""
        for by in ("", "signals"):
            with Folder() as f:
                f.file("storm.md", SYSTEM)
                lab = subprocess.Popen([nb, "lab", "serve", "storm.md#stormy"], cwd=f.path, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, env={**os.environ, "NB_CPU_LIMIT": by})
                over = threading.Event()
                try:
                    port = int(re.search(rb":(\d+)", lab.stdout.readline()).group(1))

                    def ask(method, path, body=None):
                        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                        connection.request(method, path, body=json.dumps(body) if body else None)
                        answer = connection.getresponse()
                        return answer.status, answer.read()

                    def burn():
                        while not over.is_set():
                            try:
                                ask("GET", "/work")
                            except OSError:
                                return
                    busy = [threading.Thread(target=burn) for _ in range(2)]
                    limit = {"target": "lab", "toxic": "cpu_limit", "cpus": 0.3, "period": 50_000_000}
                    assert ask("POST", "/_nb/fault", limit)[0] == 200
                    assert b"already" in ask("POST", "/_nb/fault", limit)[1]
                    [thread.start() for thread in busy]
                    time.sleep(0.2)
                    start, used = time.monotonic(), cpu_seconds(lab.pid)
                    time.sleep(1.5)
                    share = (cpu_seconds(lab.pid) - used) / (time.monotonic() - start)
                    # Ticks of 10 ms are the resolution of what is read here.
                    assert share <= 0.3 * 1.15 + 0.02, share
                    counters = json.loads(ask("GET", "/_nb/counters")[1])
                    assert counters["faults.cpu_throttled"] > 0 and counters["faults.cpu_periods"] >= 10, counters
                    assert by == "" or counters["faults.cpu_method"] == 0
                    assert ask("DELETE", "/_nb/fault")[0] == 200
                    assert not labs(b"throttle"), "the controller ends with its limit"
                    used = cpu_seconds(lab.pid)
                    until(lambda: cpu_seconds(lab.pid) - used > 0.3)
                finally:
                    over.set()
                    lab.terminate()
                    lab.wait()
                [thread.join() for thread in busy]
            gone()
        assert not groups(), groups()

    def a_stopped_lab_ends_with_its_parent():
        with Folder() as f:
            f.file("jail.md", JAIL)
            run = subprocess.Popen([nb, "run", "jail.md"], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env={**os.environ, "NB_CPU_LIMIT": "signals"})
            try:
                until(lambda: labs(b"throttle") and any(state(pid) == "T" for pid in labs(b"serve")))
            finally:
                run.kill()
                run.wait()
            gone()
        # Without a controller, too: the end of stdin lets a stopped lab go on, and end.
        with Folder() as f:
            f.file("storm.md", SYSTEM)
            spec = f.nb("lab", "describe", "--json", "storm.md#stormy", check=0).stdout
            ours, its = socket.socketpair()
            lab = subprocess.Popen([nb, "lab", "serve", "--stdin"], stdin=its, stdout=subprocess.PIPE)
            its.close()
            ours.sendall(json.dumps(json.loads(spec)).encode() + b"\n")
            assert b"port" in lab.stdout.readline()
            lab.send_signal(signal.SIGSTOP)
            until(lambda: state(lab.pid) == "T")
            ours.close()
            lab.wait(timeout=20)

    return [a_storm_has_its_faults_and_leaves_none_behind, a_limit_holds_the_lab_and_goes, a_stopped_lab_ends_with_its_parent]

