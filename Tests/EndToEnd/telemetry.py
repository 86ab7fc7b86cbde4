"""What a lab says of itself while it serves, beside what the load generator saw: spans, log records, metrics; and the hidden fault of one
tenant. Prometheus' own parser (PyPI: prometheus-client) and OpenTelemetry's messages (opentelemetry-proto) read it where they are installed."""
import contextlib
import json
import re
import signal
import subprocess
import time
import urllib.request
from collections import Counter, defaultdict

try:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
except ImportError:
    ExportTraceServiceRequest = None
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
    from prometheus_client.parser import text_string_to_metric_families as families
except ImportError:
    families = None

SYSTEM = b"""```perf
kind: system
id: told
telemetry:
  traces: 1
  logs: true
  metrics: true
  attributes: {tenant: header:X-Tenant, product: "{id}"}
edge: {upstream: origin}
origin:
  workers: 64
  routes:
    GET /checkout/{id}:
      - cache: {as: pages, capacity: 5}
      - sql: {as: db, statement: "select * from products where id = :id"}
      - call: {as: price, to: pricing, path: "/price/{id}"}
pricing:
  kind: origin
  routes:
    GET /price/{id}:
      - wait: {as: usual, dist: exp, mean: 8ms, stands_for: a rates service}
      - wait: {as: fault, mean: 120ms, stands_for: a rates service in another region, when: "tenant==t7"}
      - bytes: {size: 20B}
data:
  products: {rows: 100}
```
"""

BLOCKS = SYSTEM + b"""
```perf
kind: load
id: traffic
uses: told
executor: constant-vus
vus: 3
thinkTime: 20ms
duration: 3s
scenario:
  - {name: usual, get: "/checkout/{id}", key: products, headers: {X-Tenant: t1}, weight: 9}
  - {name: faulty, get: "/checkout/{id}", key: products, headers: {X-Tenant: t7}, weight: 1}
thresholds:
  http_req_failed: ['rate==0']
```
"""

BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


def bucket(seconds):
    return sum(bound < seconds for bound in BOUNDS)


def tests(Folder):
    nb = Folder.program

    class Lab:
        def __init__(self, folder, *overrides):
            folder.file("told.md", SYSTEM)
            self.process = subprocess.Popen([nb, "lab", "serve", "told.md#told", *[word for one in overrides for word in ("--set", one)]], cwd=folder.path, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE)
            self.url = re.search(rb"http://\S+:\d+", self.process.stdout.readline()).group().decode()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.process.terminate()
            self.process.wait()

        def get(self, path, **headers):
            request = urllib.request.Request(self.url + path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.headers["Content-Type"], answer.read()

        def json(self, path):
            kind, body = self.get(path)
            assert kind == "application/json", kind
            return json.loads(body)

    def values(record):
        return {one["key"]: next(iter(one["value"].values())) for one in record.get("attributes", [])}

    def records(batch, resources, scopes, name):
        for group in batch.get(resources, []):
            service = values(group["resource"])["service.name"]
            for scope in group[scopes]:
                for record in scope[name]:
                    yield service, record

    def the_lab_and_the_load_generator_agree():
        with Folder() as f, Lab(f) as lab:
            done = f.nb("load", lab.url + "/checkout/7", "--iterations", "400", "--users", "6", "--json", check=0)
            found = json.loads(done.stdout)
            count = found["requests"]
            assert count == 400 and found["statuses"] == {"200": count}, found
            metrics = [(s, m) for s, m in records(lab.json("/_nb/telemetry/metrics"), "resourceMetrics", "scopeMetrics", "metrics")]
            spans = list(records(lab.json("/_nb/telemetry/traces"), "resourceSpans", "scopeSpans", "spans"))
            logs = list(records(lab.json("/_nb/telemetry/logs"), "resourceLogs", "scopeLogs", "logRecords"))
            counters = lab.json("/_nb/counters")
            assert all(value == 0 for name, value in counters.items() if name.endswith("_dropped")), counters
            for service in ("edge", "origin"):
                servers = [span for name, span in spans if name == service and span["kind"] == 2]
                assert len(servers) == count, (service, len(servers), count)
                assert sum(name == service for name, _ in logs) == count
                points = [p for name, m in metrics if name == service and m["name"] == "http.server.request.duration"
                          for p in m["histogram"]["dataPoints"]]
                assert sum(int(p["count"]) for p in points) == count
            # What the client waited is what the edge says, within a bucket: the way to it is short.
            times = sorted((int(s["endTimeUnixNano"]) - int(s["startTimeUnixNano"])) / 1e9 for n, s in spans if n == "edge" and s["kind"] == 2)
            p95 = times[-(-95 * len(times) // 100) - 1]
            assert abs(bucket(p95) - bucket(found["response_time"]["p95"] / 1e9)) <= 1, (p95, found["response_time"])
            # Every span has its parent, and every log line its span.
            ids = {span["spanId"] for _, span in spans}
            assert all(span.get("parentSpanId", "") in ids | {""} for _, span in spans)
            assert {record["spanId"] for _, record in logs} <= ids
            kinds = Counter((name, span["name"], span["kind"]) for name, span in spans)
            misses = counters["pages.misses"]
            assert kinds["origin", "SELECT products", 3] == kinds["origin", "GET /price/{id}", 3] == kinds["pricing", "usual", 3] == misses, kinds
            exemplars = [e for _, m in metrics if m["name"] == "http.server.request.duration" for p in m["histogram"]["dataPoints"]
                         for e in p.get("exemplars", [])]
            assert exemplars and {e["spanId"] for e in exemplars} <= ids
            assert lab.json("/_nb/telemetry/traces").get("resourceSpans", []) == [], "what was fetched is gone"

    def another_reader_reads_what_it_says():
        with Folder() as f, Lab(f) as lab:
            for number in range(20):
                lab.get(f"/checkout/{number % 9 + 1}", X_Tenant='a "quoted" \\ one')
            if ExportTraceServiceRequest is None:
                print("skip    OpenTelemetry's messages: opentelemetry-proto is not installed")
            else:
                kind, body = lab.get("/_nb/telemetry/traces", Accept="application/x-protobuf")
                assert kind == "application/x-protobuf"
                read = ExportTraceServiceRequest.FromString(body)
                names = {a.value.string_value for r in read.resource_spans for a in r.resource.attributes if a.key == "service.name"}
                assert names == {"edge", "origin", "pricing"}, names
                tenants = {a.value.string_value for r in read.resource_spans for s in r.scope_spans for span in s.spans
                           for a in span.attributes if a.key == "tenant"}
                assert tenants == {'a "quoted" \\ one'}, tenants
            kind, body = lab.get("/metrics")
            assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
            text = body.decode()
            assert 'http_server_request_duration_seconds_count{service_name="edge"' in text
            if families is None:
                print("skip    Prometheus' parser: prometheus-client is not installed")
                return
            read = {family.name: family for family in families(text)}
            duration = read["http_server_request_duration_seconds"]
            assert duration.type == "histogram" and duration.documentation
            assert sum(s.value for s in duration.samples if s.name.endswith("_count")) == 20
            kind, body = lab.get("/_nb/metrics", Accept="application/openmetrics-text; version=1.0.0")
            assert kind.startswith("application/openmetrics-text; version=1.0.0")
            read = {family.name: family for family in open_families(body.decode())}
            samples = read["http_server_request_duration_seconds"].samples
            assert any(s.exemplar and set(s.exemplar.labels) == {"trace_id", "span_id"} for s in samples)

    def the_hidden_fault_is_found_by_attribute():
        with Folder() as f, Lab(f, "pages.off=true") as lab:
            for number in range(60):
                lab.get(f"/checkout/{number + 1}", X_Tenant=f"t{number % 12 + 1}")
            slow, all_of = Counter(), Counter()
            for service, record in records(lab.json("/_nb/telemetry/logs"), "resourceLogs", "scopeLogs", "logRecords"):
                if service == "edge":
                    said = values(record)
                    all_of[said["tenant"]] += 1
                    slow[said["tenant"]] += said["nb.duration"] > 0.11
            assert set(all_of.values()) == {5} and slow["t7"] == 5 and max(v for k, v in slow.items() if k != "t7") <= 1, (slow, all_of)
            excess = defaultdict(int)
            for service, span in records(lab.json("/_nb/telemetry/traces"), "resourceSpans", "scopeSpans", "spans"):
                if span["name"] == "fault":
                    excess[service, values(span)["nb.stands_for"]] += 1
            assert excess == {("pricing", "a rates service in another region"): 5}, excess

    def a_load_block_runs_with_telemetry_and_without():
        with Folder() as f:
            f.file("traffic.md", BLOCKS)
            f.nb("run", "traffic.md", check=0)
            plain = json.loads(f.nb("lab", "describe", "--json", "traffic.md#told", check=0).stdout)
            assert plain["telemetry"]["traces"] == 1 and plain["telemetry"]["logs"] is True, plain["telemetry"]
            off = f.nb("lab", "describe", "--json", "shop", check=0).stdout
            assert b"telemetry" not in off, "a system that says nothing of it keeps its digest"
            for path, said in (("telemetry.trace=1", b"telemetry.traces"), ("telemetry.traces=2", b"0")):
                done = f.nb("lab", "describe", "traffic.md#told", "--set", path)
                assert done.returncode != 0 and said in done.stderr, done.stderr

    def a_notebook_asks_what_its_lab_said():
        asked = BLOCKS.replace(b"executor: constant-vus\nvus: 3\nthinkTime: 20ms\nduration: 3s", b"executor: shared-iterations\nvus: 4\niterations: 400")
        for name, more in (("who", b"query: lift\nsource: logs\nwhere: 'duration>p(95)'\nthresholds: {found: ['>=1'], top.lift: ['>=5']}"),
                           ("where", b"query: critical_path\nwhere: 'duration>100ms'\nversus: 'duration<p(50)'\nexpect: {top.share: {value: 0.95, tolerance: 10pp}}"),
                           ("match", b"query: span_metrics\nthresholds: {count_error: ['==0'], calls_all: ['==400'], spans_dropped: ['==0'], span_bytes: ['>=100B', '<=400B']}"),
                           ("shape", b"query: heat_map"), ("point", b"query: exemplars\nmetric: http.server.request.duration"),
                           ("busy", b"query: use\nthresholds: {top.utilization: ['>0']}"), ("silent", b"query: red\nwhere: 'service.name==nobody'")):
            asked += b"\n```perf\nkind: observe\nid: %s\nfrom: traffic\n%s\n```\n" % (name.encode(), more)
        with Folder() as f:
            f.file("asked.md", asked)
            done = f.nb("run", "asked.md")
            # The block that finds nothing says so; the others stand.
            assert done.returncode == 1 and b"silent (observe)  FAILED: nothing that `traffic` recorded answers this" in done.stderr, done.stderr
            results = {cell["id"]: cell for cell in json.loads(open(f"{f.path}/results/asked.json").read())["cells"]}
            top = results["who"]["arms"][0]
            assert top["name"] == "top" and top["labels"] == ["tenant", "t7"], top
            assert results["where"]["arms"][0]["labels"] == ["pricing", "fault"], results["where"]["arms"][0]
            for name in ("who", "where", "match", "busy"):
                assert all(one["outcome"] == "pass" for one in results[name]["thresholds"] + results[name]["expects"]), results[name]
            text = open(f"{f.path}/asked.md").read()
            assert "| tenant | t7 |" in text and "evidence P" in text and "log records, " in text
            page = open(f"{f.path}/_site/asked.html").read()
            links = set(re.findall(r'href="#(trace-[0-9a-f]{32})"', page))
            assert links and links <= set(re.findall(r'<figure class="plot-figure" id="(trace-[0-9a-f]{32})"', page)), links
            assert page.count('class="plot waterfall"') >= 3 and 'class="plot lifts"' in page and 'class="plot heat-map"' in page

    @contextlib.contextmanager
    def receiver(f, name):
        """`nb observe serve`; `said` has its counts when it has ended."""
        process = subprocess.Popen([nb, "observe", "serve", "--port", "0", "--json", "--file", name], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            process.url = re.search(r"http://127.0.0.1:\d+", process.stderr.readline()).group()
            yield process
        finally:
            process.kill()
            process.wait()

    def interrupted(process, code):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code, (process.returncode, said)
        return said.decode() if isinstance(said, bytes) else said

    def serving(f, system, *options):
        process = subprocess.Popen([nb, "lab", "serve", system, *options], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return process, re.search(rb"http://\S+:\d+", process.stdout.readline()).group().decode()

    def a_lab_sends_to_a_receiver_what_it_records():
        with Folder() as f, receiver(f, "capture") as collector:
            f.file("told.md", SYSTEM)
            lab, url = serving(f, "told.md#told", "--otlp", collector.url)
            # Longer than a second: what is recorded goes out while the lab serves, and the rest at its end.
            requests = sum(json.loads(f.nb("load", url + "/checkout/7", "--iterations", "200", "--users", "4", "--json", check=0).stdout)["requests"]
                           for _ in range(2) if time.sleep(1.2) is None)
            assert requests == 400
            said = interrupted(lab, 0)
            assert "LOST" not in said and "records nothing" not in said, said
            sent = int(re.search(r"sent (\d+) records in (\d+) requests", said).group(1))
            assert int(re.search(r"in (\d+) requests", said).group(1)) >= 4, said
            collector.send_signal(signal.SIGINT)
            counts = json.loads(collector.stdout.read())
            assert sent == sum(row["records"] for row in counts["records"]) and counts["refused"] == {}, (said, counts)
            f.nb("observe", "export", "capture", "--json", "-o", "told.jsonl", check=0)
            batches = {name: [json.loads(line) for line in f.read(f"told.{name}.jsonl").splitlines()] for name in ("traces", "metrics", "logs")}
            spans = [one for batch in batches["traces"] for one in records(batch, "resourceSpans", "scopeSpans", "spans")]
            logs = [one for batch in batches["logs"] for one in records(batch, "resourceLogs", "scopeLogs", "logRecords")]
            points = [(service, metric["name"], kind, point) for batch in batches["metrics"]
                      for service, metric in records(batch, "resourceMetrics", "scopeMetrics", "metrics")
                      for kind in ("histogram", "sum", "gauge") for point in metric.get(kind, {}).get("dataPoints", [])]
            for service in ("edge", "origin"):
                assert sum(name == service and span["kind"] == 2 for name, span in spans) == requests
                assert sum(name == service for name, _ in logs) == requests
                assert sum(int(p["count"]) for s, name, kind, p in points if s == service and name == "http.server.request.duration") == requests
            assert sent == len(spans) + len(logs) + len(points), (sent, len(spans), len(logs), len(points))

    def a_silent_system_is_switched_on_and_losses_are_counted():
        with Folder() as f:
            with receiver(f, "capture") as collector:
                lab, url = serving(f, "shop", "--otlp", collector.url)
                f.nb("load", url + "/product/7", "--iterations", "20", "--users", "1", check=0)
                said = interrupted(lab, 0)
                assert "shop records nothing by itself" in said and re.search(r"sent [1-9]\d* records", said), said
                away = collector.url
            # Nobody listens there any more.
            lab, url = serving(f, "shop", "--otlp", away)
            f.nb("load", url + "/product/7", "--iterations", "20", "--users", "1", check=0)
            said = interrupted(lab, 2)
            lost = re.search(r"LOST (\d+) of (\d+) records", said)
            assert "sent 0 records" in said and lost and lost.group(1) == lost.group(2) and int(lost.group(1)) >= 40, said
            assert "not sent, because of the interruption" in said and "cannot be reached" in said, said
            far = f.nb("lab", "serve", "shop", "--otlp", "http://otlp.example.com:4318", check=1)
            assert b"--i-own otlp.example.com" in far.stderr, far.stderr
            f.nb("lab", "serve", "shop", "--otlp", "http://127.0.0.1:4318/?key=1", check=64)

    return [a_lab_sends_to_a_receiver_what_it_records, a_silent_system_is_switched_on_and_losses_are_counted, the_lab_and_the_load_generator_agree, another_reader_reads_what_it_says, the_hidden_fault_is_found_by_attribute,
            a_load_block_runs_with_telemetry_and_without, a_notebook_asks_what_its_lab_said]
