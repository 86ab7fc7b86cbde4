"""Telemetry in and out of the built program: OpenTelemetry's own SDK as the sender, its protobuf library as the reader, scripted
receivers that refuse, hold and drop, and senders that mean harm."""
import contextlib
import gzip
import http.client
import http.server
import json
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import threading

import otlp_peer

HERE = os.path.dirname(os.path.abspath(__file__))
JSON, PROTOBUF = "application/json", "application/x-protobuf"


def spans(count, first=0, service="shop"):
    """A request in OTLP/JSON, of the standard library alone."""
    rows = [{"traceId": f"{7:032x}", "spanId": f"{first + i + 1:016x}", "name": "GET /product/{id}", "kind": 2,
             "startTimeUnixNano": str(1_790_000_000_000_000_000 + i), "endTimeUnixNano": str(1_790_000_000_000_900_000 + i),
             "attributes": [{"key": "user", "value": {"intValue": str(first + i)}}, {"key": "url.path", "value": {"stringValue": f"/product/{i}"}}]}
            for i in range(count)]
    resource_of = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource_of, "scopeSpans": [{"spans": rows}]}]}).encode()


def post(port, body, path="/v1/traces", kind=JSON, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Scripted(http.server.ThreadingHTTPServer):
    """Answers what `script` says, in turn, and then 200. Keeps every body."""
    daemon_threads = True

    def __init__(self, script=(), hold=None, tls=None):
        self.script, self.hold, self.bodies, self.heads = list(script), hold, [], []
        super().__init__(("127.0.0.1", 0), Answering)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append((self.path, body))
        self.server.heads.append(dict(self.headers))
        if self.server.hold:
            self.server.hold.wait(30)
        status, headers, answer = self.server.script.pop(0) if self.server.script else (200, {}, b"")
        if status is None:  # the connection ends without an answer
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)


def tests(Folder):
    nb = Folder.program

    @contextlib.contextmanager
    def served(f, *options, **popen):
        process = subprocess.Popen([nb, "observe", "serve", "--port", "0", "--json", *options], cwd=f.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, text=True, **popen)
        process.port = int(re.search(r"http://127.0.0.1:(\d+)", process.stderr.readline()).group(1))
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def ended(process, code=0):
        """The counts that it says when it is interrupted."""
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        assert process.wait(30) == code, (process.returncode, process.stderr.read())
        return json.loads(text)

    def captured(f, name="capture", batches=20, size=50):
        with served(f, "--file", name) as process:
            for i in range(batches):
                assert post(process.port, spans(size, i * size)) == (200, b"{}")
            ended(process)

    def exported_spans(f, name="capture"):
        f.nb("observe", "export", name, "--json", "-o", "out.jsonl", check=0)
        lines = [json.loads(line) for line in f.read("out.jsonl").splitlines()]
        return [s for line in lines for group in line["resourceSpans"] for scope in group["scopeSpans"] for s in scope["spans"]]

    def a_killed_receiver_has_kept_what_it_answered():
        with Folder() as f:
            with served(f, "--file", "capture") as process:
                for i in range(10):
                    assert post(process.port, gzip.compress(spans(20, i * 20)), Content_Encoding="gzip")[0] == 200
                process.kill()
            assert [int(s["spanId"], 16) for s in exported_spans(f)] == list(range(1, 201))
            # Half of the last request is gone with the machine: the rest is read, and more can be appended.
            with open(os.path.join(f.path, "capture"), "r+b") as file:
                file.truncate(os.path.getsize(file.name) - 100)
            said = f.nb("observe", "export", "capture", "--json", "-o", "x", check=0).stderr.decode()
            assert "in 1 places belong to no whole request" in said and "180 spans" in said, said
            captured(f, batches=1, size=5)
            assert len(exported_spans(f)) == 185

    def what_is_not_stored_is_said():
        with Folder() as f:
            with served(f, "--file", "small", "--max-size", "20KiB") as process:
                statuses = [post(process.port, spans(50, i * 50))[0] for i in range(6)]
                counts = ended(process, code=2)
            stored = statuses.count(200)
            assert 0 < stored < 6 and statuses == [200] * stored + [507] * (6 - stored), statuses
            assert counts["recordsNotStored"] == 50 * (6 - stored) and os.path.getsize(os.path.join(f.path, "small")) <= 20_480, counts
            assert len(exported_spans(f, "small")) == 50 * stored

            # A file system that takes no more, in the middle of a frame.
            def limited():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
            with served(f, "--file", "full", preexec_fn=limited, restore_signals=False) as process:
                statuses = [post(process.port, spans(50, i * 50))[0] for i in range(6)]
                ended(process, code=2)
            stored = statuses.count(200)
            assert 0 < stored < 6 and statuses == [200] * stored + [503] * (6 - stored), statuses
            found = f.nb("observe", "export", "full", "--json", "-o", "out.jsonl", check=0).stderr.decode()
            assert f"{50 * stored} spans" in found and "no whole request" not in found, found

    def hostile_senders_cost_a_bounded_memory():
        with Folder() as f, served(f, "--file", "capture") as process:
            port = process.port
            bomb = gzip.compress(bytes(300 << 20), 9)
            attributes = b'{"key":"a"},' * 999_999 + b'{"key":"a"}'
            many = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01","spanId":"01","attributes":[' + attributes + b"]}]}]}]}"
            deep = b'{"resourceSpans":' + b"[" * 1_000_000
            wrong = spans(3).replace(f"{7:032x}".encode(), b"z" * 32)
            held = []
            for _ in range(300):  # slowloris: heads and bodies that never end, more than there are places
                one = socket.create_connection(("127.0.0.1", port))
                one.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\n" + (b"\r\n" + b"x" * 9000 if len(held) % 2 else b""))
                held.append(one)
            for one in held:
                one.close()
            for _ in range(8):
                assert post(port, bomb, Content_Encoding="gzip")[0] == 413
                assert post(port, many)[0] in (200, 413)
                assert post(port, deep)[0] in (400, 413)
                status, said = post(port, wrong)
                assert status == 200 and json.loads(said)["partialSuccess"]["rejectedSpans"] == "3", said
                assert post(port, b"\x0a\xff\xff\xff\xff\x0f", kind=PROTOBUF)[0] == 400
                with socket.create_connection(("127.0.0.1", port)) as huge:
                    huge.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")
                    assert huge.recv(100).startswith(b"HTTP/1.1 413 ")
            assert post(port, spans(5)) == (200, b"{}")
            with open(f"/proc/{process.pid}/status") as status:
                peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))
            counts = ended(process)
            assert counts["refused"]["413"] >= 16 and counts["rejected"] >= 24, counts
            # 64 MiB in flight, 16 MiB inflated, and what the values of one request may take.
            assert peak < 400_000, f"{peak} kB"

    def export_repeats_what_otlp_repeats_and_nothing_else():
        with Folder() as f:
            captured(f)
            partial = json.dumps({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "three of them"}}).encode()
            zero = {"Retry-After": "0"}
            script = [(503, zero, b""), (429, zero, b""), (502, zero, b""), (504, zero, b""), (None, {}, b""), (200, {}, b""),
                      (400, {"Content-Type": JSON}, b'{"message":"no"}'), (200, {"Content-Type": JSON}, partial)]
            script += [(status, {}, b"") for status in (401, 404, 413, 500, 501, 301)]
            server = Scripted(script)
            done = f.nb("observe", "export", "capture", "--otlp", server.url, "--queue", "1B", "--gzip", "-H", "api-key=a=b", check=2)
            bodies = [body for _, body in server.bodies]
            assert {path for path, _ in server.bodies} == {"/v1/traces"} and all(head["api-key"] == "a=b" for head in server.heads)
            # The first request came six times, every other one once: 20 requests, of which 7 were refused and one was taken in part.
            assert bodies[:6] == [bodies[0]] * 6 and len(set(bodies)) == 20 and len(bodies) == 25, (len(bodies), len(set(bodies)))
            said = done.stdout.decode() + done.stderr.decode()
            assert "sent 647 records" in said and "5 repetitions" in said, said
            assert "LOST 353 of 1000 records: 3 rejected by the receiver (partial success); 350 refused by the receiver" in said, said
            server.shutdown()

    def a_slow_receiver_loses_nothing_unless_that_is_asked_for():
        with Folder() as f:
            captured(f)
            hold = threading.Event()
            server = Scripted(hold=hold)
            arguments = [nb, "observe", "export", "capture", "--otlp", server.url, "--queue", "20KiB"]
            waiting = subprocess.Popen(arguments, cwd=f.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            dropping = subprocess.run([*arguments, "--when-full", "drop", "--timeout", "1s", "--give-up", "1s"], cwd=f.path, capture_output=True, text=True, timeout=60)
            lost = re.search(r"LOST (\d+) of 1000 records: (\d+) dropped, because the queue of 20KiB was full; (\d+) given up", dropping.stderr)
            assert dropping.returncode == 2 and lost and int(lost[1]) == int(lost[2]) + int(lost[3]) == 1000 and int(lost[3]) >= 50, dropping
            hold.set()
            said, trouble = waiting.communicate(timeout=60)
            assert waiting.returncode == 0 and "sent 1000 records" in said, (said, trouble)
            server.shutdown()

    def export_speaks_tls_and_asks_before_it_leaves_this_machine():
        with Folder() as f:
            captured(f, batches=2)
            far = f.nb("observe", "export", "capture", "--otlp", "http://192.0.2.1:4318", check=1).stderr.decode()
            assert "192.0.2.1 is not this machine" in far and "--i-own 192.0.2.1" in far, far
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(HERE, "throwaway.pem"))
            server = Scripted(tls=context)
            url = server.url.replace("http://127.0.0.1", "https://localhost")
            refused = f.nb("observe", "export", "capture", "--otlp", url, "--give-up", "1ms", check=2).stderr.decode()
            assert "LOST 100 of 100 records: 100 given up" in refused and not server.bodies, refused
            trusted = f.nb("observe", "export", "capture", "--otlp", url, "--cacert", os.path.join(HERE, "throwaway.pem"), check=0)
            assert "sent 100 records" in trusted.stdout.decode() and server.bodies
            server.shutdown()

    def what_opentelemetrys_sdk_sends_comes_out_equal():
        if otlp_peer.MISSING:
            print(f"skipped: OpenTelemetry for Python is not installed ({otlp_peer.MISSING})")
            return
        with Folder() as f:
            def convert(name, source, target, data):
                return subprocess.run([nb, "observe", "convert", name, source, target], input=data, capture_output=True, check=True, timeout=60).stdout
            otlp_peer.check(convert)
            with served(f, "--file", "capture") as process:
                sent = sdk_sends(f"http://127.0.0.1:{process.port}")
                counts = ended(process)
            expected = {name: sum(len(leaves(name, m)) for m in messages) for name, messages in sent.items()}
            assert {row["signal"]: row["records"] for row in counts["records"]} == expected, (counts, expected)
            f.nb("observe", "export", "capture", "--protobuf", "-o", "all.pb", check=0)
            f.nb("observe", "export", "capture", "--json", "-o", "all.jsonl", check=0)
            # Sent on to another receiver, in the other encoding, and read from there.
            with served(f, "--file", "second") as process:
                f.nb("observe", "export", "capture", "--otlp", f"http://127.0.0.1:{process.port}", "--format", "json", "--gzip", check=0)
                ended(process)
            f.nb("observe", "export", "second", "--protobuf", "-o", "second.pb", check=0)
            for name, messages in sent.items():
                want = sorted(values(name, messages))
                ours = otlp_peer.MESSAGES[name].FromString(f.read(f"all.{name}.pb"))
                assert sorted(values(name, [ours])) == want, f"{name} differ in protobuf"
                again = otlp_peer.MESSAGES[name].FromString(f.read(f"second.{name}.pb"))
                assert sorted(values(name, [again])) == want, f"{name} differ at the second receiver"
                lines = f.read(f"all.{name}.jsonl").splitlines()
                assert sorted(values(name, [otlp_peer.message_of(name, line) for line in lines])) == want, f"{name} differ in JSON"
                ids = re.findall(rb'"(?:traceId|spanId|parentSpanId)":"([^"]*)"', b"\n".join(lines))
                assert all(re.fullmatch(rb"[0-9a-f]{32}|[0-9a-f]{16}", one) for one in ids) and (ids or name == "metrics"), ids[:3]

    return [a_killed_receiver_has_kept_what_it_answered, what_is_not_stored_is_said, hostile_senders_cost_a_bounded_memory,
            export_repeats_what_otlp_repeats_and_nothing_else, a_slow_receiver_loses_nothing_unless_that_is_asked_for,
            export_speaks_tls_and_asks_before_it_leaves_this_machine, what_opentelemetrys_sdk_sends_comes_out_equal]


def groups(name, message):
    for group in getattr(message, "resource_" + ("spans" if name == "traces" else name)):
        for scope in getattr(group, "scope_" + ("spans" if name == "traces" else name)):
            yield group, scope, getattr(scope, {"traces": "spans", "metrics": "metrics", "logs": "log_records"}[name])


def leaves(name, message):
    """What is counted: spans, points, log records."""
    records = [record for _, _, all_records in groups(name, message) for record in all_records]
    return records if name != "metrics" else [p for m in records for p in getattr(m, m.WhichOneof("data")).data_points]


def values(name, messages):
    """Every record with its resource and scope, as bytes to compare: the batches may have been cut otherwise."""
    for message in messages:
        for group, scope, records in groups(name, otlp_peer.normal(message)):
            for record in records:
                yield b"\0".join(m.SerializeToString(deterministic=True) for m in (group.resource, scope.scope, record))


def sdk_sends(url):
    """Traces, metrics and logs by the official SDK and its exporters; returns its own encoding of what it sent."""
    import logging

    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    sent = {"traces": [], "metrics": [], "logs": []}

    def keeping(base, name, encode):
        class Keeping(base):
            def export(self, data, *args, **kwargs):
                sent[name].append(encode(data))
                return super().export(data, *args, **kwargs)
        return Keeping

    us = Resource({"service.name": "peer", "züge": ["é", "b"]})
    tracers = TracerProvider(resource=us)
    tracers.add_span_processor(BatchSpanProcessor(keeping(OTLPSpanExporter, "traces", otlp_peer.encode_spans)(url + "/v1/traces", compression=Compression.Gzip)))
    exporter = keeping(OTLPMetricExporter, "metrics", otlp_peer.encode_metrics)(url + "/v1/metrics", compression=Compression.Deflate)
    view = View(instrument_name="growing", aggregation=ExponentialBucketHistogramAggregation())
    meters = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)], us, views=[view])
    loggers = LoggerProvider(us)
    loggers.add_log_record_processor(BatchLogRecordProcessor(keeping(OTLPLogExporter, "logs", encode_logs)(url + "/v1/logs")))
    logger = logging.getLogger("peer.logger")
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=loggers))
    tracer, meter = tracers.get_tracer("peer", "1"), meters.get_meter("peer")
    counter, plain, growing = meter.create_counter("requests"), meter.create_histogram("plain", "s"), meter.create_histogram("growing", "s")
    for i in range(1200):
        with tracer.start_as_current_span(f"outer {i % 7}", attributes={"i": i, "f": i / 3, "list": ["a", ""]}) as span:
            with tracer.start_as_current_span("inner"):
                counter.add(1, {"route": f"/{i % 3}"})
                plain.record(i / 100)
                growing.record(1.01 ** i)
            span.add_event("moment", {"n": i})
            if i % 10 == 0:
                logger.warning("line %d", i, extra={"user": i})
    for provider in (tracers, meters, loggers):
        provider.shutdown()
    return sent
