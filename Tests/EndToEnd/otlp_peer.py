#!/usr/bin/env python3
"""OpenTelemetry's own Python library as the peer of our OTLP: what its SDK sends is read here without loss, and what is written
here it reads with the same values.

Usage: otlp_peer.py COMMAND…    COMMAND SIGNAL FROM TO turns a request on stdin into the other encoding on stdout;
                                SIGNAL is traces, metrics or logs, FROM and TO are json or protobuf
Says so and passes where the library (PyPI: opentelemetry-sdk, opentelemetry-exporter-otlp-proto-http) is not installed.
"""
import base64
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, os.pardir, "TelemetryModelTests", "Data")

try:
    from google.protobuf import json_format
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode
    MISSING = None
    MESSAGES = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}
except ImportError as error:
    MISSING = error


def hexadecimal(value, convert):
    """Every id of a JSON request, from one spelling into the other: OTLP writes hexadecimal, protobuf's own JSON base64."""
    if isinstance(value, dict):
        ids = ("traceId", "spanId", "parentSpanId")
        return {k: convert(v) if k in ids else hexadecimal(v, convert) for k, v in value.items()}
    return [hexadecimal(v, convert) for v in value] if isinstance(value, list) else value


def message_of(signal, otlp_json):
    """A message from OTLP/JSON by the library's own means."""
    tree = hexadecimal(json.loads(otlp_json), lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return json_format.ParseDict(tree, MESSAGES[signal](), ignore_unknown_fields=True)


def normal(message):
    """An empty message and an absent one are the same to OTLP; whether it is there is not compared."""
    for field in ("resource_spans", "resource_metrics", "resource_logs"):
        for group in getattr(message, field, []):
            group.resource.SetInParent()
            for scope in getattr(group, field.replace("resource", "scope")):
                scope.scope.SetInParent()
                for span in getattr(scope, "spans", []):
                    if not span.status.message and not span.status.code:
                        span.ClearField("status")
    return message


def spans_of_the_sdk():
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "peer", "numbers": [1, 2, 3], "züge": "é"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("peer.tracer", "1.2.3", "https://opentelemetry.io/schemas/1.37.0", {"scope": True})
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"http.request.method": "GET", "f": 0.1, "b": False, "i": -7}) as outer:
        outer.add_event("moment", {"at": "start", "none": ""})
        link = Link(outer.get_span_context(), {"why": "because"})
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT, links=[link]) as inner:
            inner.set_attribute("list", ["a", "", "c" * 40])
            inner.set_status(Status(StatusCode.ERROR, "no answer"))
            inner.record_exception(ValueError("broken \"text\"\n"))
    for i in range(500):
        with tracer.start_as_current_span(f"span {i}") as span:
            span.set_attribute("i", i * 2 ** 40)
    provider.shutdown()
    return encode_spans(exporter.get_finished_spans())


def metrics_of_the_sdk():
    reader = InMemoryMetricReader()
    view = View(instrument_name="growing", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], Resource({"service.name": "peer"}), views=[view])
    meter = provider.get_meter("peer.meter", "1")
    counter, level = meter.create_counter("requests", "{request}"), meter.create_up_down_counter("level")
    plain, growing = meter.create_histogram("plain", "s", "with bounds"), meter.create_histogram("growing", "s")
    meter.create_gauge("gauge").set(1.5)
    for i in range(200):
        counter.add(i, {"route": f"/{i % 3}"})
        level.add(-1 if i % 2 else 1.5)
        plain.record(i * i / 10)
        growing.record(1.01 ** i / 1000)
    growing.record(0)
    data = reader.get_metrics_data()
    provider.shutdown()
    return encode_metrics(data)


def logs_by_hand():
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "peer"
    scope = group.scope_logs.add(schema_url="u")
    for i in range(100):
        record = scope.log_records.add(time_unix_nano=2 ** 63 + i, observed_time_unix_nano=i, severity_number=1 + i % 24, severity_text="x",
                                       flags=i, event_name="e" * (i % 3), dropped_attributes_count=i)
        if i % 2:
            record.trace_id, record.span_id = i.to_bytes(16, "big"), i.to_bytes(8, "big")
        record.body.kvlist_value.values.add(key="k").value.bytes_value = bytes(range(i))
        record.attributes.add(key="n").value.int_value = -i
        record.attributes.add(key="d").value.array_value.values.add().double_value = i / 3
    return request


def points(message):
    """Points of all metrics, with how many values they stand for."""
    found = []
    for group in message.resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, metric.WhichOneof("data") or "gauge")
                found += [(metric.name, getattr(point, "count", 1)) for point in data.data_points]
    return found


def check(convert):
    """`convert(signal, source, target, bytes)` gives the bytes of the other encoding. Raises AssertionError at the first difference."""
    sent = {"traces": spans_of_the_sdk(), "metrics": metrics_of_the_sdk(), "logs": logs_by_hand()}
    for signal, message in sent.items():
        text = convert(signal, "protobuf", "json", message.SerializeToString())
        assert normal(message_of(signal, text)) == normal(message), f"{signal}: what the SDK sent comes out of our JSON changed"
        back = MESSAGES[signal].FromString(convert(signal, "json", "protobuf", text))
        assert normal(back) == normal(message), f"{signal}: what the SDK sent comes out of our protobuf changed"
    assert len([s for g in sent["traces"].resource_spans for c in g.scope_spans for s in c.spans]) == 502
    assert ("growing", 201) in points(sent["metrics"]) and len(points(sent["metrics"])) == 7, points(sent["metrics"])
    for signal, message in MESSAGES.items():
        with open(os.path.join(EXAMPLES, signal + ".json"), "rb") as file:
            text = file.read()
        ours = message.FromString(convert(signal, "json", "protobuf", text))
        assert normal(ours) == normal(message_of(signal, text)), f"{signal}: the library reads our example otherwise"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if MISSING:
        print(f"skipped: OpenTelemetry for Python is not installed ({MISSING})")
        return

    def convert(signal, source, target, data):
        return subprocess.run([*sys.argv[1:], signal, source, target], input=data, capture_output=True, check=True, timeout=60).stdout

    check(convert)
    print("ok: OpenTelemetry for Python and this program understand each other")


if __name__ == "__main__":
    main()
