"""OTLP/JSON as plain Python sees it, and what the standard definitions say of it: nothing here knows how nb does it.

Definitions: nearest rank is the smallest value that at least the share q does not exceed; a span failed when its status is ERROR, or by the HTTP
conventions from 500 on a server and from 400 for a client; a request is a span of a server or a consumer; an entry is one that no other request led to.
"""
import json
import math
import re
from collections import Counter, defaultdict
from fractions import Fraction

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


def values(record):
    """Attributes as (kind, label) by key."""
    found = {}
    for one in record.get("attributes", []):
        (kind, value), = one["value"].items() if one["value"] else (("none", None),)
        found[one["key"]] = (kind, str(value).lower() if kind == "boolValue" else value if isinstance(value, str) else str(value))
    return found


class Span:
    def __init__(self, raw, resource):
        self.raw, self.resource, self.own = raw, resource, values(raw)
        self.service = resource.get("service.name", ("", ""))[1]
        self.trace, self.id, self.parent = raw["traceId"], raw["spanId"], raw.get("parentSpanId", "")
        self.name, self.kind = raw["name"], raw.get("kind", 0)
        self.start, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.duration = max(0, self.end - self.start)
        self.children = []
        code = int(self.own.get("http.response.status_code", ("", "0"))[1])
        self.failed = raw.get("status", {}).get("code", 0) == 2 or self.kind == SERVER and code >= 500 or self.kind == CLIENT and code >= 400
        threshold = re.search(r"ot=(?:[^,]*;)?th:([0-9a-f]+)", raw.get("traceState", ""))
        # Sampled at p = 1 - T/2^56 it stands for 1/p.
        self.weight = 1 / (1 - int(threshold[1].ljust(14, "0"), 16) / 2**56) if threshold else 1

    def get(self, key):
        return {"service.name": self.service, "name": self.name}.get(key) or self.own.get(key, self.resource.get(key, ("", "")))[1]


class Telemetry:
    """Spans, log records and metrics of OTLP/JSON lines."""

    def __init__(self, traces=(), logs=(), metrics=()):
        self.spans = [Span(raw, values(group["resource"])) for batch in traces for group in batch.get("resourceSpans", [])
                      for scope in group["scopeSpans"] for raw in scope["spans"]]
        self.logs = [(raw, values(raw), values(group["resource"])) for batch in logs for group in batch.get("resourceLogs", [])
                     for scope in group["scopeLogs"] for raw in scope["logRecords"]]
        self.metrics = [(raw, values(group["resource"])) for batch in metrics for group in batch.get("resourceMetrics", [])
                        for scope in group["scopeMetrics"] for raw in scope["metrics"]]
        self.traces = defaultdict(list)
        for span in self.spans:
            self.traces[span.trace].append(span)
        for trace in self.traces.values():
            by_id = {span.id: span for span in trace}
            for span in trace:
                if span.parent in by_id:
                    by_id[span.parent].children.append(span)
        self.roots = {id: next(s for s in trace if not s.parent) for id, trace in self.traces.items()}
        self.requests = [s for s in self.spans if s.kind in (SERVER, CONSUMER)]
        self.seconds = (max(s.end for s in self.spans) - min(s.start for s in self.spans)) / 1e9 if self.spans else 0

    def entries(self, holds=lambda span: True):
        """Requests that no other one, of those that count, led to."""
        counted = {s.id for s in self.requests if holds(s)}
        by_id = {s.id: s for s in self.spans}

        def is_entry(span):
            while span.parent in by_id:
                span = by_id[span.parent]
                if span.id in counted:
                    return False
            return True
        return [s for s in self.requests if s.id in counted and is_entry(s)]


def rank(spans, q):
    """Nearest rank of durations, each as often as its span stands for."""
    wanted, before = q * sum(s.weight for s in spans), 0
    for span in sorted(spans, key=lambda s: s.duration):
        before += span.weight
        if before >= wanted - 1e-9:
            return span.duration


def grouped(spans, keys):
    groups = defaultdict(list)
    for span in spans:
        groups[tuple(span.get(key) for key in keys)].append(span)
    return groups


def weight(spans):
    return sum(s.weight for s in spans)


def bucket(seconds, bounds=BOUNDS):
    return sum(bound < seconds for bound in bounds)


def self_time(span):
    """Time in which no child runs: the length of the span less that of its children's union within it."""
    covered, at = 0, span.start
    for child in sorted(span.children, key=lambda s: s.start):
        covered += max(0, min(child.end, span.end) - max(child.start, at))
        at = max(at, min(child.end, span.end))
    return span.duration - covered


def critical_path(span, start, end):
    """(span, nanoseconds): back from the end, always to the child that ended last before that moment."""
    now, left = end, [(max(c.start, start), min(c.end, end), c) for c in span.children]
    while True:
        ended = [one for one in left if one[1] <= now and one[0] < one[1]]
        if not ended:
            break
        from_, to, child = max(ended, key=lambda one: one[1])
        yield span, now - to
        yield from critical_path(child, from_, to)
        now = from_
    yield span, now - start


def fisher(hits, chosen, marked, total):
    """P(X >= hits) for X of the hypergeometric distribution; exact."""
    ways = sum(math.comb(marked, k) * math.comb(total - marked, chosen - k) for k in range(hits, min(chosen, marked) + 1))
    return float(Fraction(ways, math.comb(total, chosen)))


def holm(p, family):
    adjusted, running = {}, 0
    for place, (key, value) in enumerate(sorted(p.items(), key=lambda one: one[1])):
        running = max(running, min(1, value * (family - place)))
        adjusted[key] = running
    return adjusted


def lifts(units):
    """units: (is chosen, set of (key, kind, label)). By (key, label): hits, marked, lift, p; and the number of values."""
    chosen, total = sum(is_chosen for is_chosen, _ in units), len(units)
    marked = Counter(pair for _, pairs in units for pair in pairs)
    hits = Counter(pair for is_chosen, pairs in units if is_chosen for pair in pairs)
    commoner = {pair: (hits[pair], count) for pair, count in marked.items() if hits[pair] * total > count * chosen}
    p = holm({pair: fisher(h, chosen, m, total) for pair, (h, m) in commoner.items()}, len(marked))
    rows = {(key, label): (h, m, (h / chosen) / (m / total), p[key, kind, label]) for (key, kind, label), (h, m) in commoner.items()}
    return rows, chosen, total, len(marked)


def read_lines(data):
    return [json.loads(line) for line in data.splitlines()]
