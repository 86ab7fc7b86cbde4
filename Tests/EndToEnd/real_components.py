"""Real programs in the place of the lab's own parts: started, used, named and ended for sure.

A test whose programs are not installed says so and passes.
"""
import glob
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

NOTEBOOK = b"""# Real components

```perf
kind: system
id: tiny
origin:
  workers: 8
  routes:
    GET /item/{id}:
      - sql: {as: db, statement: "SELECT * FROM items WHERE id = :id", pool: 4}
    GET /kept/{id}:
      - cache: {as: item-cache, key: "{id}", policy: lru, capacity: 5, l2: lab}
      - sql: {as: behind, statement: "SELECT * FROM items WHERE id = :id", pool: 4}
    GET /cheap/{id}:
      - sql: {as: scan, statement: "SELECT id, name FROM items WHERE price < 9000 AND id >= :id ORDER BY id", pool: 4}
    PUT /item/{id}:
      - sql: {as: touch, statement: "UPDATE items SET version = version + 1 WHERE id = :id", pool: 4}
data:
  items: {rows: 200, popularity: {zipf: 0.9}}
```

```perf
kind: load
id: traffic
uses: tiny
executor: shared-iterations
vus: 4
iterations: 200
scenario: [{get: "/kept/{id}", key: items}]
block_time: {full: 1s, quick: 1s}
thresholds:
  http_req_failed: ['rate<0.01']
```

```sql #lookup
SELECT * FROM items WHERE id = :id
```

```perf
kind: bench
id: look
uses: tiny
subjects: [{fence: lookup}, {builtin: memcached-get}]
block_time: {full: 1s, quick: 1s}
```
"""

EDGES = b"""# A real edge

```perf
kind: system
id: proxied
origin:
  count: 3
  workers: 2
  queue: {limit: 1000}
  routes:
    GET /item/{id}:
      - wait: {as: work, dist: constant, mean: 5ms, stands_for: a backend}
      - bytes: {size: 64B}
  instances: {3: {work.mean: 60ms}}
edge: {upstream: origin}
```

```perf
kind: load
id: spread
uses: proxied
executor: constant-vus
vus: 6
duration: 3s
scenario: [{get: /item/7}]
compare:
  runs: 6
  metric: imbalance
  baseline: {name: turns}
  candidates:
    - {name: least, set: {edge.balance: least_conn}}
    - {name: one, set: {edge.balance: hash}}
thresholds:
  http_req_failed: ['rate==0']
block_time: {full: 9s, quick: 9s}
```

```perf
kind: load
id: refused
uses: proxied
set: {edge.hedge.after: 5ms}
executor: constant-vus
vus: 1
duration: 1s
scenario: [{get: /item/1}]
block_time: {full: 1s, quick: 1s}
```
"""

FLEET = b"""# Instances and a worker before one database

```perf
kind: system
id: fleet
origin:
  count: 2
  routes:
    GET /item/{id}:
      - sql: {as: db, statement: "SELECT * FROM items WHERE id = :id", pool: 3}
    PUT /item/{id}:
      - sql: {as: touch, statement: "UPDATE items SET version = version + 1 WHERE id = :id", pool: 3}
edge: {upstream: origin}
data:
  items: {rows: 50}
```

```perf
kind: system
id: shelf
origin:
  routes:
    POST /order/{id}:
      - publish: {as: enqueue, topic: orders, fsync: none}
    GET /shipped/{id}:
      - sql: {as: db, statement: "SELECT * FROM shipped WHERE id = :id"}
worker:
  consumes: orders
  batch: 7
  linger: 5ms
  stages:
    - sql: {as: store, statement: "INSERT INTO shipped(id, name) VALUES (:id, 'box')", per: batch}
data:
  shipped: {rows: 0}
```

```perf
kind: system
id: safe
origin:
  routes:
    PUT /item/{id}:
      - sql: {as: touch, statement: "UPDATE items SET version = version + 1 WHERE id = :id", durable: true}
data:
  items: {rows: 50}
```
"""

PLACES = ["/usr/sbin", "/usr/local/sbin"] + glob.glob("/usr/lib/postgresql/*/bin")


def missing(*programs):
    """Says which of the programs is not installed; None when all are."""
    path = os.pathsep.join([os.environ.get("PATH", "")] + PLACES)
    for program in programs:
        if not shutil.which(program, path=path):
            print(f"        not run here: needs {program}", flush=True)
            return program
    return None


class Serving:
    """`nb lab serve`, with its port and the lines that it printed."""

    def __init__(self, nb, folder, *arguments):
        trust = ["--trust"] if "--real" in arguments else []
        self.process = subprocess.Popen([nb, "lab", "serve", *arguments, *trust], cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        while True:
            line = self.process.stdout.readline().decode()
            assert line, self.process.stderr.read().decode()
            self.lines.append(line.strip())
            if "counters at" in line:
                break
        self.port = int(re.search(r":(\d+)", self.lines[0]).group(1))
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method, path):
        self.client.request(method, path)
        answer = self.client.getresponse()
        return answer.status, answer.read()

    def settled(self, count):
        """The counters, once the worker is done with so many messages."""
        for _ in range(1000):
            counters = json.loads(self.ask("GET", "/_nb/counters")[1])
            if counters["worker.acked"] >= count:
                return counters
            time.sleep(0.01)
        raise AssertionError(counters)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()


def beneath(folder):
    """Processes whose command line or environment names the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = open(f"/proc/{pid}/environ", "rb").read() + open(f"/proc/{pid}/cmdline", "rb").read()
        except OSError:
            continue
        if folder.encode() in text and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def name_of(pid):
    """The name of a process; empty when it has ended meanwhile."""
    try:
        return open(f"/proc/{pid}/comm").read().strip()
    except OSError:
        return ""


def nothing_is_left(folder, ports):
    """No process, no folder and no open port, after at most ten seconds."""
    for _ in range(500):
        left = beneath(folder) + os.listdir(folder)
        if not left:
            break
        time.sleep(0.02)
    assert not left, left
    for port in ports:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            client.connect()
        except ConnectionRefusedError:
            continue
        raise AssertionError(f"somebody listens at {port}")


def tests(Folder):
    nb = Folder.program

    def postgres_answers_byte_for_byte_as_sqlite():
        if missing("postgres", "initdb"):
            return
        with Folder() as f:
            f.file("real.md", NOTEBOOK)
            asked = [("GET", f"/item/{n}") for n in range(1, 202)] + [
                ("GET", "/cheap/1"), ("PUT", "/item/7"), ("PUT", "/item/9999"), ("GET", "/item/7"), ("GET", "/cheap/190")]
            with Serving(nb, f.path, "real.md#tiny") as plain, Serving(nb, f.path, "real.md#tiny", "--real", "postgres") as real:
                assert any(re.match(r"with PostgreSQL \d+", line) for line in real.lines), real.lines
                assert not any(line.startswith("with ") for line in plain.lines), plain.lines
                for method, path in asked:
                    ours, theirs = plain.ask(method, path), real.ask(method, path)
                    assert ours == theirs, (method, path, ours, theirs)
                counters = json.loads(real.ask("GET", "/_nb/counters")[1])
                assert counters["db.calls"] == 202 and counters["db.errors"] == 0 and "db.vm_steps" not in counters, counters
                # What PostgreSQL refuses is an answer with its words, and the connection goes on.
                assert b"nb_" not in real.ask("GET", "/_nb/system")[1], "who knows the name of the account is let in"
                status, body = real.ask("GET", "/item/x")
                assert status == 500 and b"22P02" in body, (status, body)
                assert real.ask("GET", "/item/7") == plain.ask("GET", "/item/7")

    def instances_and_batches_reach_the_real_database():
        if missing("postgres", "initdb"):
            return
        with Folder() as f:
            f.file("fleet.md", FLEET)
            with Serving(nb, f.path, "fleet.md#fleet", "--real", "postgres") as lab:
                for _ in range(10):
                    assert lab.ask("PUT", "/item/7")[0] == 200
                # Whichever instance answers has seen the writes of both.
                assert all(json.loads(lab.ask("GET", "/item/7")[1])["version"] == 11 for _ in range(4))
                counters = json.loads(lab.ask("GET", "/_nb/counters")[1])
                assert all(counters[f"origin.{n}.requests"] >= 5 for n in (1, 2)), counters
            with Serving(nb, f.path, "fleet.md#shelf") as plain, Serving(nb, f.path, "fleet.md#shelf", "--real", "postgres") as real:
                for lab in (plain, real):
                    for n in range(1, 31):
                        assert lab.ask("POST", f"/order/{n}")[0] < 300
                    counters = lab.settled(30)
                    assert counters["store.errors"] == 0 and counters["store.commits"] == counters["worker.batches"] < 30, counters
                for n in range(1, 32):
                    ours, theirs = plain.ask("GET", f"/shipped/{n}"), real.ask("GET", f"/shipped/{n}")
                    assert ours == theirs and (ours[0] == 200) == (n < 31), (n, ours, theirs)
            for words in (["fleet.md#safe"], ["fleet.md#shelf", "--directory", "kept"]):
                done = f.nb("lab", "serve", *words, "--trust", "--real", "postgres", check=1)
                assert b"lab-failed" in done.stderr and b"PostgreSQL" in done.stderr, done.stderr

    def second_levels_are_real_and_shared():
        for component, program, label in (("redis", "redis-server", r"with Redis \d"), ("memcached", "memcached", r"with memcached \d")):
            if missing(program):
                continue
            with Folder() as f:
                f.file("real.md", NOTEBOOK)
                with Serving(nb, f.path, "real.md#tiny", "--real", component) as lab:
                    assert any(re.match(label, line) for line in lab.lines), lab.lines
                    first = [lab.ask("GET", f"/kept/{n}") for n in range(1, 51)]
                    second = [lab.ask("GET", f"/kept/{n}") for n in range(1, 51)]
                    assert first == second and all(status == 200 for status, _ in first)
                    counters = json.loads(lab.ask("GET", "/_nb/counters")[1])
                    assert counters["item-cache.l2_hits"] == 50 and counters["item-cache.l2_errors"] == 0, counters
                    assert counters["behind.calls"] == 50, counters

    def results_name_the_real_component_and_ask_another_question():
        if missing("postgres", "initdb", "redis-server"):
            return
        with Folder() as f:
            f.file("real.md", NOTEBOOK)
            f.nb("run", "--trust", "--quick", "--no-html", "real.md", check=0)
            before = {cell["id"]: cell for cell in json.loads(f.read("results/real.json"))["cells"]}
            f.nb("run", "--trust", "--quick", "--no-html", "--real", "postgres,redis", "real.md", check=0)
            after = {cell["id"]: cell for cell in json.loads(f.read("results/real.json"))["cells"]}
            text = f.read("real.md").decode()
            assert re.search(r"with PostgreSQL [\d.]+, Redis [\d.]+ ·", text), text
            assert re.search(r"with PostgreSQL [\d.]+ ·", text), text
            assert len(after["traffic"]["components"]) == 2 and len(after["look"]["components"]) == 1
            assert "components" not in before["traffic"]
            assert all(before[id]["inputs"] != after[id]["inputs"] for id in before)
            # The rows that PostgreSQL holds are those that the memcached subject holds: equal checksums.
            whole = [arm for arm in after["look"]["arms"] if arm["name"] == ""][0]
            assert whole["metrics"]["parity"]["estimate"] == 1, whole
            done = f.nb("run", "--trust", "--quick", "--no-html", "--only", "look", "--real", "redis", "real.md", check=0)
            assert b"real-unused" in done.stderr, done.stderr
            assert "components" not in {c["id"]: c for c in json.loads(f.read("results/real.json"))["cells"]}["look"]

    def what_cannot_start_is_said_and_nothing_runs():
        with Folder() as f:
            f.file("real.md", NOTEBOOK)
            for words in (["--real", "postgre"], ["--real", "redis,memcached"], ["--real", "postgres", "--check", "--baseline", "HEAD"]):
                done = f.nb("run", *words, "real.md", check=64)
                assert b"--real" in done.stderr, done.stderr
            # A program that is on the PATH, and does not serve.
            broken = os.path.join(f.path, "bin")
            os.mkdir(broken)
            with open(os.path.join(broken, "redis-server"), "w") as script:
                script.write("#!/bin/sh\necho 'out of cheese' >&2\nexit 3\n")
            os.chmod(script.name, 0o755)
            os.chmod(f.path, 0o755)
            path = {**os.environ, "PATH": broken + ":" + os.environ["PATH"]}
            done = f.nb("run", "--trust", "--no-html", "--real", "redis", "real.md", check=1, env=path)
            assert b"out of cheese" in done.stderr and b"real-failed" in done.stderr, done.stderr
            assert b"nb:result" not in f.read("real.md")

    def killing_nb_leaves_no_process_port_or_folder():
        if missing("postgres", "initdb", "memcached"):
            return
        with Folder() as f:
            f.file("real.md", NOTEBOOK)
            temporary = tempfile.mkdtemp(prefix="nb-real-", dir=f.path)
            os.chmod(f.path, 0o755)
            os.chmod(temporary, 0o755)
            process = subprocess.Popen(
                [nb, "lab", "serve", "real.md#tiny", "--trust", "--real", "postgres", "--real", "memcached"], cwd=f.path,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": temporary})
            ports = []
            for line in process.stdout:
                ports += [int(port) for port in re.findall(rb"127\.0\.0\.1:(\d+)", line)]
                if b"counters at" in line:
                    break
            assert len(ports) == 3, ports
            started = beneath(temporary)
            assert len(started) >= 4 and any(name.startswith("nb-lab-") for name in os.listdir(temporary))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
            # With PostgreSQL the lab has no database file of its own, which would wait for the next lab to remove it.
            nothing_is_left(temporary, ports)

    def killing_the_keeper_ends_what_it_keeps_and_the_next_lab_tidies_up():
        if missing("postgres", "initdb", "redis-server"):
            return
        with Folder() as f:
            f.file("real.md", NOTEBOOK)
            os.chmod(f.path, 0o755)
            temporary = tempfile.mkdtemp(prefix="nb-real-", dir=f.path)
            os.chmod(temporary, 0o755)
            environment = {**os.environ, "TMPDIR": temporary}
            process = subprocess.Popen(
                [nb, "lab", "serve", "real.md#tiny", "--trust", "--real", "postgres,redis"], cwd=f.path, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
            try:
                for line in process.stdout:
                    if b"counters at" in line:
                        break

                def others():
                    # What watches over the lab itself stays with it.
                    return [pid for pid in beneath(temporary) if name_of(pid) != "nb-sentinel"]

                keeper = [pid for pid in others()
                          if open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")[:3] == [nb.encode(), b"lab", b"real"]]
                assert len(keeper) == 1, keeper
                os.kill(keeper[0], signal.SIGKILL)
                for _ in range(500):
                    if others() == [process.pid]:
                        break
                    time.sleep(0.02)
                assert others() == [process.pid], [(pid, name_of(pid)) for pid in others()]
            finally:
                process.terminate()
                process.wait()
                process.stdout.close()
            folder = [name for name in os.listdir(temporary) if name.startswith(f"nb-lab-{keeper[0]}-")]
            assert len(folder) == 1, "nobody was there to remove the folder"
            # Its parent is gone; whoever inherits the dead keeper must have taken note of its end.
            for _ in range(500):
                if not os.path.exists(f"/proc/{keeper[0]}"):
                    break
                time.sleep(0.02)
            f.nb("run", "--trust", "--quick", "--no-html", "--only", "traffic", "real.md", check=0, env=environment)
            assert folder[0] not in os.listdir(temporary), os.listdir(temporary)

    def real_proxies_balance_as_declared_and_go_with_the_lab():
        for name, label in (("nginx", "nginx "), ("haproxy", "HAProxy ")):
            if missing(name):
                continue
            with Folder() as f:
                f.file("edge.md", EDGES)
                os.chmod(f.path, 0o755)
                temporary = tempfile.mkdtemp(prefix="nb-real-", dir=f.path)
                os.chmod(temporary, 0o755)
                environment = {**os.environ, "TMPDIR": temporary}
                done = f.nb("run", "--trust", "edge.md", "--real", name, check=1, env=environment)
                assert b"has no such hedge as this edge" in done.stderr, done.stderr
                cells = {cell["id"]: cell for cell in json.loads(f.read("results/edge.json"))["cells"]}
                cell = cells["spread"]
                assert any(one.startswith(label) for one in cell["components"]), cell["components"]
                assert all(one["outcome"] == "pass" for one in cell["thresholds"]), cell["thresholds"]

                def share(arm):
                    estimate = arm["metrics"]["imbalance"]["estimate"]
                    return estimate if isinstance(estimate, float | int) else estimate[0]

                turns, least, one = (share(arm) for arm in cell["arms"])
                # In turn: each a third, whatever it costs. The least busy: the slow one gets less. By the one path that is asked for: all to one.
                assert turns < 1.1 and 1.1 < least < 1.8 and one > 2.9, (name, turns, least, one)
                assert not beneath(temporary), beneath(temporary)
                process = subprocess.Popen([nb, "lab", "serve", "edge.md#proxied", "--trust", "--real", name], cwd=f.path, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
                for line in process.stdout:
                    if b"counters at" in line:
                        break
                assert len(beneath(temporary)) >= 2
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                process.stdout.close()
                for _ in range(500):
                    if not beneath(temporary):
                        break
                    time.sleep(0.02)
                assert not beneath(temporary), beneath(temporary)

    return [
        real_proxies_balance_as_declared_and_go_with_the_lab, killing_the_keeper_ends_what_it_keeps_and_the_next_lab_tidies_up, postgres_answers_byte_for_byte_as_sqlite,
        instances_and_batches_reach_the_real_database, second_levels_are_real_and_shared,
        results_name_the_real_component_and_ask_another_question, what_cannot_start_is_said_and_nothing_runs,
        killing_nb_leaves_no_process_port_or_folder,
    ]
