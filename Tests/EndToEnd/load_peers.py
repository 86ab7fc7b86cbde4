"""nb load at peers that break the rules, and at the end of its own descriptors and ports. What goes wrong is counted by kind with
an example, the run goes on to its end, and nothing of it is called VALID that is not. Registered by end_to_end.py.
"""
import csv
import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

from peers import (OK, Peer, asks_back_later, every_other, interim_without_end, never_ends, resets_inside, says, sends_file,
                   trailers_without_end, trickles)

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = b"HTTP/1.1 200 OK\r\n"
# name: (behaviour, kind, words of the example)
COUNTED = {
    "reset inside an answer": (resets_inside, "reset", "reset by peer"),
    "closed inside an answer": (says(HEAD + b"Content-Length: 100\r\n\r\nhalf", keep=False), "closed", "inside the answer"),
    "a bad status line": (says(b"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n"), "malformed", "2OO OK"),
    "another protocol": (says(b"220 mail.example ESMTP\r\n"), "malformed", "220 mail.example"),
    "a negative length": (says(HEAD + b"Content-Length: -5\r\n\r\n"), "malformed", "-5"),
    "two lengths": (says(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!"), "malformed", "Content-Length: 2"),
    "a length with a gap": (says(HEAD + b"Content-Length: 1 2\r\n\r\nok"), "malformed", "1 2"),
    "a chunk size that overflows": (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n"), "malformed", "ffff"),
    "a head of 1 MiB": (says(HEAD + b"X-Filler: " + b"a" * (1 << 20) + b"\r\nContent-Length: 0\r\n\r\n"), "too-large", "32768"),
    "trailers without end": (trailers_without_end, "malformed", "not an HTTP/1.1 answer"),
    "one byte a second": (trickles, "timeout", "did not end"),
    "a body without end": (never_ends, "timeout", "did not end"),
    "interim answers without end": (interim_without_end, "timeout", "did not end"),
}


def load(f, url, *words, check=None):
    done = f.nb("load", url, "--json", *words)
    assert check is None or done.returncode == check, (url, words, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert done.stdout, (words, done.stderr.decode())
    return json.loads(done.stdout)


def every_hostile_answer_is_counted_and_the_run_goes_on(Folder):
    with Folder() as f:
        for name, (behave, kind, words) in COUNTED.items():
            with Peer(behave) as peer:
                found = load(f, peer.url, "--users", "2", "--duration", "700ms", "--timeout", "200ms", check=3)
                assert found["verdict"] == "INVALID" and found["response_time"] is None, (name, found)
                assert list(found["errors"]) == [kind] and found["errors"][kind] == found["failed"] == found["requests"] >= 2, (name, found)
                assert words in found["examples"][kind], (name, found["examples"])
                assert found["elapsed_s"] >= 0.7 and not found["partial"], (name, found)
            with Peer(behave) as peer:
                done = f.nb("load", peer.url, "--users", "2", "--iterations", "4", "--timeout", "200ms", check=3)
                said = done.stdout.decode()
                assert "INVALID" in said and f"failed  4  {kind}: " in said and "response time" not in said, (name, said)
            if kind in ("malformed", "too-large", "reset") and "without end" not in name:
                with Peer(every_other(behave)) as peer:
                    words = ["--users", "1", "--iterations", "20", "--slo", "errors<1%"]
                    found = load(f, peer.url, *words, check=2)
                    assert found["errors"] == {kind: 10} and found["requests"] == 20 and found["statuses"] == {"200": 10}, (name, found)
                    assert found["thresholds"][0]["outcome"] == "fail", (name, found)


def a_hostile_answer_over_tls_is_counted_as_without(Folder):
    with Folder() as f:
        for name in ("reset inside an answer", "a bad status line", "a head of 1 MiB", "one byte a second", "a body without end"):
            behave, kind, words = COUNTED[name]
            with Peer(behave, "throwaway.pem") as peer:
                found = load(f, peer.url, "--insecure", "--users", "2", "--duration", "700ms", "--timeout", "200ms", check=3)
                # A reset below TLS comes as the connection's end where the last record was cut.
                assert set(found["errors"]) <= {kind, "closed"} and found["failed"] == found["requests"] >= 2, (name, found)
                assert found["verdict"] == "INVALID" and set(found["examples"]) == set(found["errors"]), (name, found)
        with Peer(says(b"HTTP/1.1 400 Bad Request\r\n\r\n", keep=False), "throwaway.pem", alpn="h2") as peer:
            found = load(f, peer.url, "--http2", "--insecure", "--users", "2", "--iterations", "4", "--timeout", "300ms", check=3)
            assert found["failed"] == found["requests"] == 4 and found["verdict"] == "INVALID" and found["examples"], found


def what_cannot_be_connected_is_said_before_the_run(Folder):
    with Folder() as f:
        with Peer(says(OK)) as gone:
            refused = gone.url
        plain, secure = Peer(says(b"HTTP/1.1 400 Bad Request\r\n\r\n", keep=False), hasty=True), "throwaway.pem"
        with plain, Peer(says(OK), secure) as self_signed, Peer(says(OK), "expired.pem") as expired, Peer(None, shakes=False) as mute:
            for url, more, words in [
                ("http://name.invalid/", ["--i-own", "name.invalid"], b"no address"),
                (refused, [], b"refused"),
                (plain.url.replace("http", "https"), [], b"WRONG_VERSION_NUMBER"),
                (self_signed.url, [], b"CERTIFICATE_VERIFY_FAILED"),
                (expired.url, ["--cacert", os.path.join(HERE, "expired.pem")], b"CERTIFICATE_VERIFY_FAILED"),
                (mute.url, [], b"no TLS handshake within 300 ms"),
                (self_signed.url, ["--http2", "--insecure"], b"did not choose h2"),
            ]:
                done = f.nb("load", url, "--users", "2", "--iterations", "4", "--timeout", "300ms", *more, check=1)
                assert words in done.stderr and done.stderr.count(b"error:") == 1 and not done.stdout, (url, done.stderr, done.stdout)
            for url, more in [(self_signed.url, ["--insecure"]), (expired.url, ["--insecure"]),
                              (self_signed.url, ["--cacert", os.path.join(HERE, secure)])]:
                assert load(f, url, "--users", "2", "--iterations", "4", *more, check=0)["requests"] == 4


def tls_that_breaks_in_the_middle_is_counted(Folder):
    with Folder() as f:
        once = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", keep=False)
        with Peer(once, "throwaway.pem", accepts=4) as peer:
            found = load(f, peer.url, "--insecure", "--users", "1", "--iterations", "6", check=0)
            assert found["statuses"] == {"200": 4} and found["errors"] == {"tls": 2} == found["connect_errors"], found
            assert found["examples"]["tls"], found


def a_redirect_is_an_answer_and_said_to_be_one(Folder):
    with Folder() as f, Peer(says(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")) as peer:
        found = load(f, peer.url, "--users", "2", "--iterations", "40", check=0)
        assert found["statuses"] == {"302": 40} and found["errors"] == {} and found["verdict"] == "VALID", found
        said = f.nb("load", peer.url, "--users", "2", "--iterations", "40", check=0).stdout.decode()
        assert "status  302: 40" in said and "not followed" in said, said


def what_nobody_asked_for_degrades_the_run(Folder):
    with Folder() as f:
        for behave, words in [(says(OK + OK), []), (asks_back_later, ["--think-time", "20ms"])]:
            with Peer(behave) as peer:
                found = load(f, peer.url, "--users", "2", "--iterations", "40", *words, check=0)
                assert found["requests"] == 40 and found["errors"] == {} and found["unasked"] >= 30, found
                assert found["verdict"] == "DEGRADED" and "nobody asked for" in found["reason"], found
                assert any("more than was asked for" in one and "HTTP/1.1 200 OK" in one for one in found["doubts"]), found


def a_server_that_closes_in_silence_costs_requests_only_when_it_races(Folder):
    with Folder() as f, Peer(says(OK, keep=False)) as peer:
        found = load(f, peer.url, "--users", "2", "--iterations", "20", "--think-time", "30ms", check=0)
        assert found["requests"] == 20 and found["errors"] == {}, found
        found = load(f, peer.url, "--users", "2", "--iterations", "100")
        assert found["requests"] == 100 and set(found["errors"]) <= {"closed", "reset"}, found
        assert found["failed"] == sum(found["errors"].values()) and found["statuses"]["200"] == 100 - found["failed"], found
        if "closed" in found["errors"]:
            assert "without saying so" in found["examples"]["closed"], found


def peak(nb, url, *words):
    """The found object and the most memory of the run, in bytes."""
    process = subprocess.Popen([nb, "load", url, "--json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert out, process.stderr.read()
    return json.loads(out), usage.ru_maxrss * 1024


def a_body_of_four_gigabytes_needs_no_memory(Folder):
    with Folder() as f:
        nb = f.program
        with Peer(says(OK)) as peer:
            _, small = peak(nb, peer.url, "--users", "2", "--iterations", "20")
        path, count = os.path.join(f.path, "sparse"), 4 << 30
        with open(path, "wb") as out:
            out.truncate(count)
        with Peer(sends_file(path, count)) as peer:
            found, large = peak(nb, peer.url, "--users", "1", "--iterations", "1", "--timeout", "110s")
            assert found["statuses"] == {"200": 1} and found["errors"] == {} and found["bytes_in"] > count, found
            assert large < small + (16 << 20), (small, large)
        for certificate, more in [(None, []), ("throwaway.pem", ["--insecure"])]:
            with Peer(never_ends, certificate) as peer:
                found, large = peak(nb, peer.url, "--users", "4", "--duration", "1s", "--timeout", "400ms", *more)
                assert list(found["errors"]) == ["timeout"] and found["bytes_in"] > 1 << 20, found
                assert large < small + (48 << 20), (certificate, small, large)
        # Nor does it keep the others from their turn: two users in four get answers without an end.
        with Peer(lambda one, number: (never_ends if number % 8 == 0 else says(OK))(one, number)) as peer:
            found = load(f, peer.url, "--users", "4", "--duration", "1s", "--timeout", "300ms")
            assert found["errors"]["timeout"] >= 2 and found["statuses"]["200"] > 50, found


def too_few_descriptors_are_said_before_the_run(Folder):
    with Folder() as f, Peer(says(OK)) as peer, Peer(says(OK), "throwaway.pem") as secure:
        for url, more in [(peer.url, []), (secure.url, ["--insecure"])]:
            for words in (["--users", "200"], ["--rate", "50", "--connections", "200"]):
                done = f.nb("load", url, "--duration", "1s", *words, *more, check=1,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
                said = done.stderr.decode()
                assert "200 connections need" in said and "may have 64" in said and "ulimit -n" in said, said
        # A soft limit alone is raised in silence.
        found = json.loads(f.nb("load", peer.url, "--users", "200", "--iterations", "400", "--json", check=0,
                                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 4096))).stdout)
        assert found["connections"] == 200 and found["requests"] == 400, found


def descriptors_that_run_out_in_the_run_make_it_invalid(Folder):
    with Folder() as f:
        once = says(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", keep=False)
        for certificate, more in [(None, []), ("throwaway.pem", ["--insecure"])]:
            with Peer(once, certificate) as peer:
                process = subprocess.Popen([f.program, "load", peer.url, "--json", "--users", "4", "--duration", "3s", "--think-time", "5ms", *more],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
                while peer.served < 10 and process.poll() is None:
                    time.sleep(0.01)
                # Below what is open already: the next connection finds none.
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, 3))
                found = json.loads(process.stdout.read())
                assert process.wait() == 3 and found["verdict"] == "INVALID", found
                assert found["errors"]["descriptors"] > 0 and "out of descriptors" in found["reason"] and "ulimit" in found["reason"], found
                assert found["examples"]["descriptors"] and found["statuses"]["200"] > 0 and found["response_time"] is None, found


# Runs in a network namespace of its own: 16 ports, and a server that leaves closing to the client, which then has to wait for each.
ALONE = """
import subprocess, sys
sys.path.insert(0, sys.argv[2])
from peers import Peer, says
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for name, value in [("ip_local_port_range", "40000 40015"), ("tcp_tw_reuse", "0")]:
    with open("/proc/sys/net/ipv4/" + name, "w") as out: out.write(value)
answer = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\nok"
print("begun", flush=True)
with Peer(says(answer), None) as peer:
    done = subprocess.run([sys.argv[1], "load", peer.url, "--json", *sys.argv[3:]], capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    sys.stdout.write(done.stdout.decode())
    sys.stderr.write(done.stderr.decode())
    sys.exit(done.returncode)
"""


def ports_that_run_out_make_it_invalid(Folder):
    with Folder() as f:
        ways = [["unshare", "-n"], ["unshare", "-rn"]] if shutil.which("unshare") and shutil.which("ip") else []
        for way in ways:
            command = way + [sys.executable, "-c", ALONE, f.program, HERE]
            done = subprocess.run(command + ["--users", "4", "--duration", "1s"], capture_output=True, timeout=90)
            if done.stdout.startswith(b"begun"):
                break
        else:
            print("skipped: network namespaces are not allowed here, or there is no `ip`", file=sys.stderr)
            return
        found = json.loads(done.stdout.split(b"\n", 1)[1])
        assert done.returncode == 3 and found["verdict"] == "INVALID" and found["response_time"] is None, found
        assert found["errors"]["ports"] > 0 and "out of local ports" in found["reason"] and "keep them alive" in found["reason"], found
        assert 4 <= found["statuses"]["200"] <= 16 and found["examples"]["ports"], found
        # More connections than ports, before the first request.
        done = subprocess.run(command + ["--users", "40", "--iterations", "40"], capture_output=True, timeout=90)
        found = json.loads(done.stdout.split(b"\n", 1)[1])
        assert done.returncode == 3 and found["verdict"] == "INVALID" and found["connect_errors"]["ports"] >= 24, found


def raw_rows_are_the_run(Folder):
    with Folder() as f, Peer(every_other(says(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"))) as peer:
        found = load(f, peer.url + "a,b", "--rate", "300", "--duration", "2s", "--raw", "r.csv", "--timeout", "5s")
        rows = list(csv.DictReader(f.read("r.csv").decode().splitlines()))
        assert list(rows[0]) == "intended_ns,sent_ns,received_ns,status,error,request,bytes,connection".split(","), rows[0]
        assert len(rows) == found["requests"] and found["raw"] == {"rows": len(rows), "truncated": 0}, found
        assert sum(row["error"] == "status" for row in rows) == found["errors"]["status"], found
        intended = [int(row["intended_ns"]) for row in rows]
        assert intended == sorted(intended) and {row["request"] for row in rows} == {"GET /a,b"}, rows[0]
        if found["response_time"]:
            times = sorted(int(row["received_ns"]) - int(row["intended_ns"]) for row in rows if not row["error"])
            for name, q in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95)]:
                exact = times[math.ceil(q * len(times)) - 1]
                assert abs(found["response_time"][name] - exact) <= exact / 2048 + 1, (name, exact, found["response_time"])
        found = load(f, peer.url, "--users", "1", "--iterations", "30", "--raw", "r.csv", "--raw-rows", "7")
        assert len(f.read("r.csv").splitlines()) == 8 and found["raw"] == {"rows": 7, "truncated": 23}, found
        assert any("--raw-rows" in one for one in found["doubts"]), found


def an_open_plan_keeps_idle_processors_awake_where_it_may(Folder):
    device = "/dev/cpu_dma_latency"
    if not os.access(device, os.W_OK):
        print(f"skipped: {device} cannot be written here", file=sys.stderr)
        return
    with Folder() as f, Peer(says(OK)) as peer:
        for words, expected in [(["--rate", "50"], True), (["--rate", "50", "--polite"], True), (["--rate", "50", "--idle-states"], False),
                                (["--users", "1", "--think-time", "20ms"], False)]:
            before = peer.served
            process = subprocess.Popen([f.program, "load", peer.url, "--duration", "1s", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       stdin=subprocess.DEVNULL, text=True)
            while peer.served < before + 5 and process.poll() is None:
                time.sleep(0.01)
            held = [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in os.listdir(f"/proc/{process.pid}/fd")]
            said = process.communicate(timeout=30)[0]
            assert (device in held) == expected and ("idle processors kept awake" in said) == expected, (words, held, said)


def may_be_scheduled_first():
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def an_open_plan_sends_first_where_it_may_and_does_no_harm(Folder):
    cpus, permitted = len(os.sched_getaffinity(0)), may_be_scheduled_first()
    with Folder() as f, Peer(says(OK)) as peer:
        for words, expected in [(["--rate", "50"], cpus > 1), (["--rate", "50", "--polite"], cpus > 1), (["--rate", "50", "--cpu", "0"], True),
                                (["--rate", "50", "--threads", str(cpus)], False), (["--users", "1", "--think-time", "20ms"], False)]:
            before = peer.served
            process = subprocess.Popen([f.program, "load", peer.url, "--duration", "1s", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       stdin=subprocess.DEVNULL)
            while peer.served < before + 5 and process.poll() is None:
                time.sleep(0.01)
            how = [os.sched_getscheduler(int(thread)) & ~os.SCHED_RESET_ON_FORK for thread in os.listdir(f"/proc/{process.pid}/task")]
            process.wait(timeout=30)
            assert (os.SCHED_RR in how) == (expected and permitted), (words, how)


PAUSED = """# A pause

```perf
kind: lesson
id: pause
day: 1
title: A pause
seed: 3
```

```perf
kind: system
id: steady
origin:
  workers: 4
  routes:
    GET /a:
      - bytes: {size: 64B}
```

```perf
kind: sweep
of: load
id: rates
uses: steady
executor: constant-arrival-rate
rate: 200rps
arrivals: uniform
duration: 2s
scenario: [{get: /a}]
vary: {param: origin.workers, values: [2, 4]}
block_time: {full: 5s, quick: 5s}
```
"""


def children(pid):
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and int(open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(name))
        except OSError:
            pass
    return found


def what_a_pause_spoiled_is_measured_again_and_said(Folder):
    for attempt in range(3):
        with Folder() as f:
            f.file("book.md", PAUSED.encode())
            process = subprocess.Popen([f.program, "run", "--no-html", "book.md"], cwd=f.path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       stdin=subprocess.DEVNULL)
            while len(children(process.pid)) < 1 and process.poll() is None:
                time.sleep(0.01)
            # The generator alone stands still, in the first of the two runs.
            for _ in range(3):
                time.sleep(0.4)
                process.send_signal(signal.SIGSTOP)
                time.sleep(0.12)
                process.send_signal(signal.SIGCONT)
            said = process.communicate(timeout=60)[1].decode()
            if process.returncode == 1 and attempt < 2:
                continue  # this machine paused again by itself
            assert process.returncode == 0, said
            cell = json.loads(f.read("results/book.json"))["cells"][0]
            again = [one["text"] for one in cell["doubts"] if one["id"] == "again"]
            assert cell["validity"] != "INVALID" and len(again) == 1 and "measured again, for the first run was INVALID: sends were late" in again[0], cell["doubts"]
            assert "measured again" in f.read("book.md").decode()
            return


def tests(folder):
    """The tests as functions without an argument, under their own names."""
    def bound(function):
        def run():
            function(folder)
        run.__name__ = function.__name__
        return run
    return [bound(one) for one in (
        every_hostile_answer_is_counted_and_the_run_goes_on, a_hostile_answer_over_tls_is_counted_as_without,
        what_cannot_be_connected_is_said_before_the_run, tls_that_breaks_in_the_middle_is_counted,
        a_redirect_is_an_answer_and_said_to_be_one, what_nobody_asked_for_degrades_the_run,
        a_server_that_closes_in_silence_costs_requests_only_when_it_races, a_body_of_four_gigabytes_needs_no_memory,
        too_few_descriptors_are_said_before_the_run, descriptors_that_run_out_in_the_run_make_it_invalid,
        ports_that_run_out_make_it_invalid, raw_rows_are_the_run, an_open_plan_keeps_idle_processors_awake_where_it_may,
        an_open_plan_sends_first_where_it_may_and_does_no_harm, what_a_pause_spoiled_is_measured_again_and_said)]
