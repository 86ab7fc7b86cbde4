"""What `nb observe ask` says of a capture against the same figures in plain Python, from the standard definitions and the OTLP/JSON that was
captured (otlp_reader.py). SciPy says Fisher's exact test too, where it is installed."""
import json
import math
import re
import signal
import subprocess
from collections import Counter, defaultdict

import otlp_reader
from otlp_reader import BOUNDS, CLIENT, PRODUCER, Telemetry, bucket, fisher, grouped, rank, read_lines, self_time, values, weight

try:
    from scipy.stats import fisher_exact
except ImportError:
    fisher_exact = None

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
  workers: 4
  routes:
    GET /checkout/{id}:
      - sql: {as: db, statement: "select * from products where id = :id"}
      - call: {as: left, to: stock, path: "/stock/{id}"}
      - call: {as: price, to: pricing, path: "/price/{id}"}
    GET /product/{id}:
      - sql: {as: read, statement: "select * from products where id = :id"}
stock:
  kind: origin
  routes:
    GET /stock/{id}:
      - error: {as: broken, share: 8pct, status: 503}
      - bytes: {size: 20B}
pricing:
  kind: origin
  routes:
    GET /price/{id}:
      - wait: {as: usual, dist: exp, mean: 4ms, stands_for: a rates service}
      - wait: {as: fault, mean: 60ms, stands_for: a rates service in another region, when: "tenant==t7"}
      - bytes: {size: 20B}
data:
  products: {rows: 40}
```
"""
REQUESTS = ((b"/checkout/%d", "t1", 90), (b"/checkout/%d", "t3", 90), (b"/checkout/%d", "t7", 30), (b"/product/%d", "t1", 60))


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def tests(Folder):
    nb = Folder.program
    kept = {}

    def captured():
        """All three signals of a lab under load, once for all tests: the files that nb exports, by name, and what Python reads of them."""
        if kept:
            return kept
        with Folder() as f:
            f.file("told.md", SYSTEM)
            receiver = subprocess.Popen([nb, "observe", "serve", "--port", "0", "--json", "--file", "told.otlp"], cwd=f.path, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            url = re.search(r"http://127.0.0.1:\d+", receiver.stderr.readline()).group()
            lab = subprocess.Popen([nb, "lab", "serve", "told.md#told", "--otlp", url], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
            try:
                target = re.search(r"http://\S+:\d+", lab.stdout.readline()).group()
                for number, (path, tenant, count) in enumerate(REQUESTS):
                    f.nb("load", target + (path % (number + 5)).decode(), "--iterations", str(count), "--users", "3", "-H", f"X-Tenant: {tenant}", "--json")
                lab.send_signal(signal.SIGINT)
                _, said = lab.communicate(timeout=60)
                assert lab.returncode == 0 and "LOST" not in said, said
                receiver.send_signal(signal.SIGINT)
                receiver.communicate(timeout=60)
            finally:
                for process in (lab, receiver):
                    process.kill()
                    process.wait()
            f.nb("observe", "export", "told.otlp", "--json", "-o", "told.jsonl", check=0)
            f.nb("observe", "export", "told.otlp", "--protobuf", "-o", "told.pb", check=0)
            names = ["told.otlp"] + [f"told.{name}.{end}" for name in ("traces", "logs", "metrics") for end in ("jsonl", "pb")]
            files = {name: f.read(name) for name in names}
        kept.update(files=files, told=Telemetry(*(read_lines(files[f"told.{name}.jsonl"]) for name in ("traces", "logs", "metrics"))))
        return kept

    class Asked(Folder):
        def __enter__(self):
            super().__enter__()
            for name, data in captured()["files"].items():
                self.file(name, data)
            return self, captured()["told"]

        def __exit__(self, *error):
            return super().__exit__(*error)

    def ask(f, query, *options, source=("told.otlp",)):
        first, *others = source
        more = [word for name in others for word in ("--and", name)]
        return json.loads(f.nb("observe", "ask", first, query, *more, "--rows", "1000", "--json", *options, check=0).stdout)

    def rows(answer):
        return {tuple(row["labels"]): row["values"] for row in answer["rows"]}

    def same(found, expected):
        """Every figure of both, and no other."""
        assert set(found) == set(expected), (set(found) ^ set(expected))
        for key, wanted in expected.items():
            if isinstance(wanted, dict):
                same(found[key], wanted)
            else:
                assert close(found[key], wanted), (key, found[key], wanted)

    def red(spans, seconds):
        failed = [s for s in spans if s.failed]
        figures = {"requests": weight(spans), "rate": weight(spans) / seconds, "error_share": weight(failed) / weight(spans),
                   "mean": sum(s.duration * s.weight for s in spans) / weight(spans)}
        figures |= {name: rank(spans, q) for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
        return figures | ({"error_p95": rank(failed, 0.95)} if failed else {})

    def requests_are_counted_and_ranked_as_in_python():
        with Asked() as (f, told):
            assert len(told.entries()) == sum(count for _, _, count in REQUESTS) and any(s.failed for s in told.requests)
            same(rows(ask(f, "red")), {key: red(spans, told.seconds) for key, spans in grouped(told.requests, ["service.name", "http.route"]).items()})
            entries = told.entries()
            found = ask(f, "golden_signals")["whole"]
            expected = red(entries, told.seconds)
            for name in ("rate", "error_share", "p50", "p95", "p99", "error_p95"):
                assert close(found[name], expected[name]), (name, found[name], expected[name])
            assert close(found["utilization"], max(row["utilization"] for row in rows(ask(f, "use")).values() if "utilization" in row))
            at = 9_000_000
            within = [s for s in entries if not s.failed and s.duration <= at]
            tolerated = [s for s in entries if not s.failed and at < s.duration <= 4 * at]
            same(ask(f, "apdex", "--threshold", "9ms")["whole"], {
                "satisfied": len(within), "tolerating": len(tolerated), "frustrated": len(entries) - len(within) - len(tolerated),
                "apdex": (len(within) + len(tolerated) / 2) / len(entries)})
            # Of one service: its requests, whoever called them; of those the slow ones.
            of_pricing = [s for s in told.requests if s.service == "pricing"]
            limit = rank(of_pricing, 0.9)
            slow = [s for s in of_pricing if s.duration > limit]
            same(rows(ask(f, "red", "--where", "service.name==pricing", "--where", "duration>p(90)", "--group-by", "tenant")),
                 {key: red(spans, told.seconds) for key, spans in grouped(slow, ["tenant"]).items()})

    def counts_in_buckets_are_those_of_python():
        with Asked() as (f, told):
            entries = told.entries()
            answer = ask(f, "span_metrics", "--group-by", "service.name,tenant")
            expected = {}
            for key, spans in grouped(told.requests, ["service.name", "tenant"]).items():
                place = bucket(rank(spans, 0.95) / 1e9)
                expected[key] = {"calls": len(spans), "errors": sum(s.failed for s in spans), "p95_low": ([0] + BOUNDS)[place] * 1e9}
                if place < len(BOUNDS):
                    expected[key]["p95_high"] = BOUNDS[place] * 1e9
            same(rows(answer), expected)
            same(answer["whole"], {"calls_all": len(entries)})
            counts = Counter(bucket(s.duration / 1e9) for s in entries)
            found = ask(f, "exemplars")["rows"]
            assert [row["values"]["count"] for row in found] == [counts[place] for place in sorted(counts, reverse=True)], (found, counts)
            for row, place in zip(found, sorted(counts, reverse=True)):
                assert any(s.trace == row["labels"][1] and bucket(s.duration / 1e9) == place for s in entries), row
            of_metric = Counter()
            for metric, _ in told.metrics:
                if metric["name"] == "http.server.request.duration":
                    assert metric["histogram"]["aggregationTemporality"] == 1
                    for point in metric["histogram"]["dataPoints"]:
                        of_metric.update(dict(enumerate(map(int, point["bucketCounts"]))))
            found = ask(f, "exemplars", "--metric", "http.server.request.duration")["rows"]
            assert [row["values"]["count"] for row in found] == [of_metric[p] for p in sorted(of_metric, reverse=True) if of_metric[p]], (found, of_metric)
            assert ask(f, "heat_map")["whole"] == {"records": len(entries)}

    def a_servers_own_histogram_says_what_its_points_say():
        with Asked() as (f, told):
            groups = defaultdict(lambda: [Counter(), Counter(), 0.0])
            times = set()
            for metric, resource in told.metrics:
                for point in metric["histogram"]["dataPoints"] if metric["name"] == "http.server.request.duration" else []:
                    own = values(point)
                    group = groups[resource["service.name"][1], own["http.route"][1]]
                    counts = dict(enumerate(map(int, point["bucketCounts"])))
                    group[0].update(counts)
                    if "error.type" in own:
                        group[1].update(counts)
                    group[2] += point["sum"]
                    times |= {int(point["startTimeUnixNano"]), int(point["timeUnixNano"])}
            found = rows(ask(f, "metric_red"))
            assert set(found) == set(groups)
            for key, (counts, failed, total) in groups.items():
                count, row = sum(counts.values()), found[key]
                assert row["requests"] == count and close(row["error_share"], sum(failed.values()) / count) and close(row["mean"], total * 1e9 / count), (key, row)
                assert close(row["rate"], count / ((max(times) - min(times)) / 1e9)), (key, row)
                spans = grouped(told.requests, ["service.name", "http.route"])[key]
                for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
                    # Known to its bucket, in which the spans' own lies; a hair at its edge, where the two are rounded apart.
                    assert bucket(row[name] / 1e9) in {bucket(rank(spans, q) / 1e9 + hair) for hair in (-1e-6, 0, 1e-6)}, (key, name, row, rank(spans, q))

    def the_odd_tenant_is_as_odd_as_fisher_says():
        def pairs(attributes):
            return {(key, kind, label) for key, (kind, label) in attributes.items() if kind in ("stringValue", "intValue", "boolValue")}

        def of_spans(spans, without=()):
            found = set().union(*(pairs(s.own) | pairs(s.resource) | {("name", "stringValue", s.name)} for s in spans))
            return {one for one in found if one[0] not in without}

        def check(answer, units):
            expected, chosen, total, tried = otlp_reader.lifts(units)
            found = rows(answer)
            for key, row in found.items():
                hits, marked, lift, p = expected[key]
                same(row, {"hits": hits, "marked": marked, "lift": lift, "chosen_share": hits / chosen, "share": marked / total, "p": p})
            odd = {key for key, row in expected.items() if row[3] <= 0.05}
            assert odd <= set(found) and odd, odd
            same(answer["whole"], {"chosen": chosen, "records": total, "tried": tried, "found": len(odd)})

        with Asked() as (f, told):
            roots = list(told.roots.values())
            limit = rank(roots, 0.9)
            answer = ask(f, "lift", "--where", "duration>p(90)")
            check(answer, [(told.roots[id].duration > limit, of_spans(spans)) for id, spans in told.traces.items()])
            assert answer["rows"][0]["labels"] in (["tenant", "t7"], ["name", "fault"]), answer["rows"][0]
            # Within a route, which is then no finding; and against others than all.
            of_route = [s for s in roots if s.get("http.route") == "/checkout/{id}"] or [s for s in roots if "checkout" in s.get("url.path")]
            key = "http.route" if of_route[0].get("http.route") else None
            if key:
                limit = rank(of_route, 0.8)
                check(ask(f, "lift", "--where", "http.route==/checkout/{id}", "--where", "duration>p(80)"),
                      [(s.duration > limit, of_spans(told.traces[s.trace], {key})) for s in of_route])
            low = rank(roots, 0.5)
            check(ask(f, "lift", "--where", "tenant==t7", "--versus", "duration<p(50)"),
                  [(s.get("tenant") == "t7", of_spans(told.traces[s.trace], {"tenant"})) for s in roots if s.get("tenant") == "t7" or s.duration < low])
            check(ask(f, "lift", "--where", "status==error", "--source", "spans"), [(s.failed, of_spans([s])) for s in told.spans])
            units = defaultdict(list)
            for log in told.logs:
                units[log[0]["traceId"]].append(log)
            answer = ask(f, "lift", "--where", "severity>=error", "--source", "logs")
            masked = [(any(raw["severityNumber"] >= 17 for raw, _, _ in logs),
                       set().union(*(pairs(own) | pairs(resource) for _, own, resource in logs))) for logs in units.values()]
            # Bodies and severities are values too; how a body is masked is nb's own affair.
            expected = otlp_reader.lifts(masked)
            for key, row in rows(answer).items():
                if key[0] not in ("body", "severity"):
                    assert (row["hits"], row["marked"]) == expected[0][key][:2], (key, row, expected[0][key])
            assert answer["whole"]["chosen"] == expected[1] and answer["whole"]["records"] == expected[2]
        if fisher_exact is None:
            print("skip    SciPy's Fisher: scipy is not installed")
            return
        for hits, chosen, marked, total in ((27, 27, 30, 270), (3, 27, 90, 270), (1, 5, 1, 270)):
            table = [[hits, chosen - hits], [marked - hits, total - chosen - marked + hits]]
            assert close(fisher(hits, chosen, marked, total), fisher_exact(table, alternative="greater").pvalue)

    def the_end_of_a_trace_waited_where_python_says():
        def paths(spans):
            sums, traces, all_of = defaultdict(int), defaultdict(set), 0
            for root in spans:
                for span, time in otlp_reader.critical_path(root, root.start, root.end):
                    if time > 0:
                        sums[span.service, span.name] += time
                        traces[span.service, span.name].add(root.trace)
                        all_of += time
            assert all_of == sum(root.duration for root in spans), "a critical path is as long as its trace"
            return {key: value / len(spans) for key, value in sums.items()}, traces

        with Asked() as (f, told):
            roots = list(told.roots.values())
            high, low = rank(roots, 0.9), rank(roots, 0.5)
            slow, fast = [s for s in roots if s.duration > high], [s for s in roots if s.duration < low]
            (chosen, traces), (base, _) = paths(slow), paths(fast)
            excess = sum(s.duration for s in slow) / len(slow) - sum(s.duration for s in fast) / len(fast)
            answer = ask(f, "critical_path", "--where", "duration>p(90)", "--versus", "duration<p(50)")
            expected = {}
            for key in set(chosen) | set(base):
                delta = chosen.get(key, 0) - base.get(key, 0)
                expected[key] = {"self_time": chosen.get(key, 0), "self_time_base": base.get(key, 0), "self_time_delta": delta, "share": delta / excess,
                                 "traces": len(traces[key])}
            assert answer["rows"][0]["labels"] == ["pricing", "fault"], answer["rows"][0]
            for key, row in rows(answer).items():
                assert all(math.isclose(row[name], expected[key][name], rel_tol=1e-9, abs_tol=1e-6) for name in row), (key, row, expected[key])
            assert set(rows(answer)) == set(expected)
            same(answer["whole"], {"chosen": len(slow), "compared": len(fast), "excess": excess, "broken": 0})

            of_service = defaultdict(lambda: [0, 0])
            for root in roots:
                if root.children:
                    of_service[root.service][0] += self_time(root)
                    of_service[root.service][1] += root.duration
            answer = ask(f, "unaccounted")
            same(rows(answer), {(name,): {"share": own / all_of} for name, (own, all_of) in of_service.items()})
            same(answer["whole"], {"unaccounted": sum(own for own, _ in of_service.values()) / sum(all_of for _, all_of in of_service.values())})
            # The total of the flame graph is all time of all spans in which no child of theirs ran, here to a microsecond a stack.
            assert ask(f, "flame")["whole"] == {"traces": len(roots)}
            trace = rows(ask(f, "waterfall", "--where", "duration>p(90)"))
            middle = sorted(slow, key=lambda s: s.duration)[(len(slow) - 1) // 2]
            first = min(s.start for s in told.traces[middle.trace])
            expected = Counter((s.service, s.name, s.start - first, s.duration, self_time(s)) for s in told.traces[middle.trace])
            drawn = ask(f, "waterfall", "--where", "duration>p(90)")["rows"]
            assert Counter((*row["labels"], *(row["values"][n] for n in ("start", "duration", "self_time"))) for row in drawn) == expected and trace

    def calls_errors_and_values_are_counted_as_in_python():
        with Asked() as (f, told):
            by_id = {s.id: s for s in told.spans}
            edges = defaultdict(list)
            for span in told.spans:
                if not span.parent:
                    edges["clients", span.service].append(span)
                elif by_id[span.parent].service != span.service:
                    edges[by_id[span.parent].service, span.service].append(span)
            for span in told.spans:
                # What sends no spans of its own is known from who called it.
                far = next((span.own[k][1] for k in ("peer.service", "db.system.name", "messaging.system", "rpc.service", "server.address") if k in span.own), None)
                if span.kind in (CLIENT, PRODUCER) and far and all(c.service == span.service for c in span.children):
                    edges[span.service, far].append(span)
            answer = rows(ask(f, "service_map"))
            same(answer, {key: {"calls": len(spans), "error_share": sum(s.failed for s in spans) / len(spans), "p95": rank(spans, 0.95)}
                          for key, spans in edges.items()})
            assert {("clients", "edge"), ("edge", "origin"), ("origin", "stock"), ("origin", "pricing")} <= set(answer)

            failed = [s for s in told.spans if s.failed]
            found = ask(f, "errors")
            assert found["whole"] == {"errors": len(failed)} and failed
            groups = Counter((s.own.get("error.type", s.own.get("http.response.status_code", ("", "")))[1], s.own.get("http.route", told.roots[s.trace].own.get("http.route", ("", "")))[1])
                             for s in failed)
            by_group = Counter()
            for row in found["rows"]:
                by_group[row["labels"][1], row["labels"][2]] += row["values"]["count"]
                assert close(row["values"]["error_share"], row["values"]["count"] / len(failed))
            assert by_group == groups, (by_group, groups)

            different, records = defaultdict(set), Counter()
            for span in told.spans:
                for attributes in (span.own, span.resource):
                    for key, value in attributes.items():
                        different[key].add(value)
                        records[key] += 1
            same(rows(ask(f, "cardinality")), {(key,): {"values": len(different[key]), "records": records[key]} for key in records})

            series, labels, stored = defaultdict(set), defaultdict(lambda: defaultdict(set)), {}
            points = Counter()
            always = defaultdict(Counter)
            for metric, resource in told.metrics:
                for kind in ("gauge", "sum", "histogram"):
                    for point in metric.get(kind, {}).get("dataPoints", []):
                        own = resource | values(point)
                        series[metric["name"]].add(tuple(sorted(own.items())))
                        points[metric["name"]] += 1
                        for key, value in own.items():
                            labels[metric["name"]][key].add(value)
                            always[metric["name"]][key] += 1
                        # Prometheus: a series for each bound and +Inf, and the sum and the count.
                        stored[metric["name"]] = max(stored.get(metric["name"], 1), len(point.get("explicitBounds", [])) + 3 if kind == "histogram" else 1)
            answer = ask(f, "series")
            expected = {(name,): {"series": len(all_of), "stored": len(all_of) * stored[name], "product": math.prod(
                len(one) + (always[name][key] < points[name]) for key, one in labels[name].items())} for name, all_of in series.items()}
            same(rows(answer), expected)
            same(answer["whole"], {"series_all": sum(row["series"] for row in expected.values()), "stored_all": sum(row["stored"] for row in expected.values())})

    def resources_are_as_busy_as_their_use_time_says():
        with Asked() as (f, told):
            last, limit = {}, {}
            for metric, resource in told.metrics:
                service = resource["service.name"][1]
                base, _, word = metric["name"].rpartition(".")
                for point in metric.get("histogram", metric.get("sum", metric.get("gauge", {}))).get("dataPoints", []):
                    name = next((label for key, (_, label) in values(point).items() if not key.endswith("state")), "")
                    key, at = (service, base, name), int(point["timeUnixNano"])
                    if word in ("use_time", "wait_time"):
                        time = (at - int(point["startTimeUnixNano"])) / 1e9
                        last[key, word] = max(last.get((key, word), (0,)), (at, point.get("sum", 0), int(point.get("count", 0)), time))
                    elif word == "max":
                        limit[key] = max(limit.get(key, (0,)), (at, int(point.get("asInt", 0))))
            found = {}
            for (service, resource), row in rows(ask(f, "use")).items():
                base, _, rest = resource.partition("{")
                found[service, base, rest.rstrip("}").partition("=")[2]] = row
            checked = 0
            for (key, word), (_, total, count, time) in last.items():
                row = found[key]
                if word == "use_time" and key in limit:
                    assert close(row["utilization"], total / time / limit[key][1]), (key, row, total, time, limit[key])
                    checked += 1
                if word == "wait_time":
                    assert close(row["saturation"], total / time), (key, row, total, time)
                    assert ("wait" in row) == (count > 0) and (count == 0 or close(row["wait"], total * 1e9 / count)), (key, row, total, count)
            assert checked >= 3, last

    def a_sampled_capture_stands_for_the_whole_one():
        with Asked() as (f, told):
            share = 0.25
            kept = {id for id in told.traces if int(id[-14:], 16) >= 2**56 - round(share * 2**56)}
            limit = rank(list(told.roots.values()), 0.9)
            errors = {id for id, spans in told.traces.items() if any(s.failed for s in spans)}
            slow = {id for id, root in told.roots.items() if root.duration > limit}
            same(ask(f, "sampling", "--sampling-head", "25pct", "--where", "duration>p(90)")["whole"], {
                "kept_share": sum(len(told.traces[id]) for id in kept) / len(told.spans), "kept_traces": len(kept), "kept_errors": len(errors & kept) / len(errors),
                "kept_slow": len(slow & kept) / len(slow), "errors": len(errors), "slow": len(slow), "evicted": 0})
            # As a head sampler at 25 % writes it: threshold c, so that each that is kept stands for four.
            batches = read_lines(f.read("told.traces.jsonl"))
            for batch in batches:
                for group in batch["resourceSpans"]:
                    for scope in group["scopeSpans"]:
                        scope["spans"] = [s | {"traceState": "other=1,ot=th:c"} for s in scope["spans"] if s["traceId"] in kept]
            sampled = Telemetry(batches)
            assert {s.weight for s in sampled.spans} == {4}
            # Pretty-printed, and two on a line: brackets say where a request ends.
            f.file("sampled.json", "".join(json.dumps(one, indent=i % 2 or None) for i, one in enumerate(batches)).encode())
            source = ("sampled.json",)
            same(rows(ask(f, "red", source=source)),
                 {key: red(spans, sampled.seconds) for key, spans in grouped(sampled.requests, ["service.name", "http.route"]).items()})
            assert ask(f, "span_metrics", source=source)["whole"]["calls_all"] == 4 * len(kept)
            assert sum(row["values"]["calls"] for row in ask(f, "service_map", source=source)["rows"] if row["labels"][0] == "clients") == 4 * len(kept)

    def the_same_is_read_from_every_form_of_a_capture():
        with Asked() as (f, told):
            for query, options in (("red", ()), ("use", ()), ("lift", ("--where", "severity>=error", "--source", "logs"))):
                answers = [ask(f, query, *options, source=source) for source in (
                    ("told.otlp",), ("told.traces.jsonl", "told.logs.jsonl", "told.metrics.jsonl"), ("told.metrics.pb", "told.traces.pb", "told.logs.pb"))]
                assert answers[0]["rows"] and all(one["rows"] == answers[0]["rows"] and one["whole"] == answers[0]["whole"] for one in answers), query
            listed = f.nb("observe", "ask", check=0).stdout.decode()
            assert all(f"\n{name}  " in "\n" + listed for name in ("red", "lift", "critical_path", "heat_map")) and "self_time_delta" in listed, listed
            text = f.nb("observe", "ask", "told.otlp", "critical_path", "--where", "duration>p(90)", "--versus", "duration<p(50)", "--html", "page.html", check=0).stdout.decode()
            assert re.search(r"^pricing +fault ", text, re.M) and "more rows are not shown" in text, text
            page = f.read("page.html").decode()
            assert '<svg xmlns="http://www.w3.org/2000/svg" class="plot waterfall"' in page and "<script" not in page and "default-src 'none'" in page
            # What cannot be read, and what is left out, is said.
            wrong = f.nb("observe", "ask", "told.otlp", "red", "--where", "duration>>1s", "--versus", "status==error", "--show", "p05", check=1).stderr.decode()
            assert "has two operators" in wrong and "`versus` means nothing to the query `red`" in wrong and "has no column `p05`" in wrong, wrong
            assert "is no query of telemetry" in f.nb("observe", "ask", "told.otlp", "redd", check=64).stderr.decode()
            assert "does not say whether it is traces" in f.nb("observe", "ask", f.file("some.bin", f.read("told.logs.pb")), "red", check=1).stderr.decode()
            f.nb("observe", "ask", "some.bin", "lift", "--source", "logs", "--where", "severity>=error", "--signal", "logs", check=0)
            assert "nothing in it answers this" in f.nb("observe", "ask", "told.logs.jsonl", "red", check=1).stderr.decode()
            size = len(f.read("told.otlp"))
            part = f.nb("observe", "ask", "told.otlp", "red", "--max-size", str(size // 2), check=2).stdout.decode()
            assert "requests are left out: with them the capture is larger than --max-size" in part, part
            f.file("torn.otlp", f.read("told.otlp")[:-9])
            assert b"belong to no whole request" in f.nb("observe", "ask", "torn.otlp", "red", check=2).stdout

    return [requests_are_counted_and_ranked_as_in_python, counts_in_buckets_are_those_of_python, a_servers_own_histogram_says_what_its_points_say,
            the_odd_tenant_is_as_odd_as_fisher_says, the_end_of_a_trace_waited_where_python_says, calls_errors_and_values_are_counted_as_in_python,
            resources_are_as_busy_as_their_use_time_says, a_sampled_capture_stands_for_the_whole_one, the_same_is_read_from_every_form_of_a_capture]
