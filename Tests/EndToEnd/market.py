"""`nb market` and its refresh against a file server of this machine: what a feed says becomes a snapshot and a proposal, and no answer, however
hostile, changes a fact."""
import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time

FACTS = """facts:
  - id: k6.release
    statement: k6, the load tool
    value: "2.3"
    as_of: 2026-09-01
    source: https://github.com/grafana/k6/releases
    source_kind: primary
    ttl_days: 120
    used_by: [day04]
    check: {feed: "github:grafana/k6", field: latest_release, expect: '^v2\\.'}
  - id: cwv.inp.good
    statement: INP good threshold at p75
    value: 200 ms
    as_of: 2026-06-01
    source: https://web.dev/articles/inp
    source_kind: primary
    ttl_days: 180
    conflicts: [{source: elsewhere, source_kind: secondary, value: 150 ms, resolution: not adopted}]
"""

ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><updated>2026-11-20T08:00:00Z</updated>
<link href="https://github.com/grafana/k6/releases/tag/v2.4.0"/><title>k6 2.4</title></entry></feed>"""

BOMB = b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 1000 + b'">' + b"".join(
    b'<!ENTITY b%d "%s">' % (i, b"&b%s;" % (b"" if i == 0 else b"%d" % (i - 1)) * 10) for i in range(20)) + b"]><feed>&b19;</feed>"


class Server(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        self.asked.append((self.path, self.headers.get("Cookie")))
        route = self.path.lstrip("/")
        if route == "atom":
            return self.give(ATOM, "application/atom+xml")
        if route == "bomb":
            return self.give(BOMB, "application/atom+xml")
        if route == "page":
            return self.give(b"<html></html>", "text/html")
        if route == "missing":
            return self.give(b"", "text/plain", 404)
        if route == "moved":
            self.send_response(301)
            self.send_header("Location", self.server.secure)
            return self.end_headers()
        if route in ("loop", "plain", "file"):
            self.send_response(302)
            self.send_header("Location", {"loop": "/loop", "plain": "http://example.org/", "file": "file:///etc/passwd"}[route])
            self.send_header("Set-Cookie", "a=b")
            return self.end_headers()
        if route == "huge":
            self.send_response(200)
            self.send_header("Content-Type", "application/atom+xml")
            self.end_headers()
            try:
                for _ in range(6):
                    self.wfile.write(b"x" * (1 << 20))
            except OSError:
                pass
            return
        if route == "slow":
            self.send_response(200)
            self.send_header("Content-Type", "application/atom+xml")
            self.end_headers()
            try:
                while not self.server.ended:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.2)
            except OSError:
                pass
            return
        self.give(b"{}", "application/json")

    def give(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.daemon_threads = True
    server.ended = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def course(f, feeds):
    os.makedirs(f.path + "/market")
    f.file("course.yml", b"title: A course\n")
    f.file("market/facts.yml", FACTS.encode())
    f.file("market/feeds.yml", ("feeds:\n" + "".join("  - {id: \"%s\", type: %s, url: \"%s\"%s}\n" % feed for feed in feeds)).encode())


TODAY = {**os.environ, "NB_TODAY": "2026-11-26"}


def tests(Folder):
    def facts_have_ages_and_states():
        with Folder() as f:
            course(f, [("github:grafana/k6", "atom", "https://github.com/grafana/k6/releases.atom", "")])
            rows = [json.loads(line) for line in f.nb("market", "--json", check=0, env=TODAY).stdout.splitlines()]
            assert [(r["id"], r["age_days"], r["state"]) for r in rows] == [("k6.release", 86, "fresh"), ("cwv.inp.good", 178, "conflict")], rows
            assert rows[1]["conflicts"][0]["value"] == "150 ms" and rows[0]["check"] == "not asked yet", rows
            table = f.nb("market", check=0, env=TODAY).stdout.decode()
            assert re.search(r"^cwv\.inp\.good +200 ms +2026-06-01 +178 d +conflict", table, re.M), table
            f.nb("market", "--fail-stale", check=0, env=TODAY)
            late = {**TODAY, "NB_TODAY": "2026-12-01"}
            assert b"STALE" in f.nb("market", "--fail-stale", check=2, env=late).stdout
            f.nb("market", check=0, env=late)

    def check_reads_the_market_files():
        with Folder() as f:
            course(f, [("github:grafana/k6", "atom", "https://github.com/grafana/k6/releases.atom", "")])
            f.file("day01.md", b"# A lesson\n\n```perf\nkind: sim\nid: line\nmodel: mm1\nparams: {rho: 0.5}\n```\n")
            incident = "incidents:\n  - {id: x, date: 2025-06-12, title: a, mechanism: b, postmortem: 'https://example.org/', lesson: %s, block: %s}\n"
            for lesson, block, code, words in (("day01", "line", 0, ""), ("day20", "storm", 0, ""), ("day01", "lien", 1, "has no block `lien`"),
                                               ("day77", "line", 1, "no lesson `day77`")):
                f.file("market/incidents.yml", (incident % (lesson, block)).encode())
                done = f.nb("check", check=code, env=TODAY)
                assert words.encode() in done.stderr, done.stderr
            f.file("market/incidents.yml", (incident % ("day01", "line")).encode())
            f.file("market/feeds.yml", b"feeds:\n  - {id: other, type: atom, url: 'https://example.org/'}\n  - {id: bad, type: atom, url: 'http://example.org/'}\n")
            done = f.nb("check", check=1, env=TODAY)
            assert b"[fact-bad-check]" in done.stderr and b"[market-bad-address]" in done.stderr, done.stderr

    def a_feed_becomes_a_proposal_and_changes_nothing():
        with Folder() as f:
            server = serve()
            place = "http://127.0.0.1:%d/" % server.server_port
            course(f, [("github:grafana/k6", "atom", place + "atom", "")])
            Server.asked.clear()
            f.nb("check", env=TODAY)
            f.nb("market", check=0, env=TODAY)
            assert Server.asked == [], "only `refresh` asks"
            done = f.nb("market", "refresh", check=0, env=TODAY)
            assert f.read("market/facts.yml") == FACTS.encode()
            diff = done.stdout.decode()
            assert '-    value: "2.3"\n+    value: "v2.4.0"\n-    as_of: 2026-09-01\n+    as_of: 2026-11-26\n' in diff, diff
            assert "of 2026-11-20, https://github.com/grafana/k6/releases/tag/v2.4.0" in diff, diff
            snapshot = json.loads(f.read("market/snapshot/github-grafana-k6.json"))
            assert snapshot["fetched"] == "2026-11-26" and snapshot["fields"]["latest_release"] == "v2.4.0", snapshot
            rows = [json.loads(line) for line in f.nb("market", "--json", check=0, env=TODAY).stdout.splitlines()]
            assert rows[0]["check"] == "confirmed 2026-11-26", rows
            if shutil.which("patch"):
                applied = subprocess.run(["patch", "-p0"], input=done.stdout, cwd=f.path, capture_output=True)
                assert applied.returncode == 0, applied
                now = [json.loads(line) for line in f.nb("market", "--json", check=0, env=TODAY).stdout.splitlines()]
                assert (now[0]["value"], now[0]["as_of"], now[0]["age_days"]) == ("v2.4.0", "2026-11-26", 0), now
                assert f.nb("market", "refresh", check=0, env=TODAY).stdout == b""
            server.shutdown()

    def hostile_feeds_are_notes():
        with Folder() as f:
            server = serve()
            place = "http://127.0.0.1:%d/" % server.server_port
            kinds = ["bomb", "page", "missing", "loop", "plain", "file", "huge", "slow", "json"]
            course(f, [(k, "atom", place + k, "") for k in kinds] + [("github:grafana/k6", "atom", place + "atom", "")])
            Server.asked.clear()
            done = f.nb("market", "refresh", check=0, env=TODAY)
            said = dict(re.findall(r"^note: (\w+): (.*); what was known stays$", done.stderr.decode(), re.M))
            expected = {"bomb": "document type", "page": "web page", "missing": "404", "loop": "not https", "plain": "not https", "file": "not https",
                        "huge": "more than 4194304 bytes", "slow": "did not answer within", "json": "not XML"}
            assert set(said) == set(expected) and all(expected[k] in said[k] for k in expected), (said, done.stderr)
            assert os.listdir(f.path + "/market/snapshot") == ["github-grafana-k6.json"], os.listdir(f.path + "/market/snapshot")
            assert all(cookie is None for _, cookie in Server.asked), Server.asked
            assert f.read("market/facts.yml") == FACTS.encode()
            server.ended = True
            server.shutdown()

    def without_a_network_old_facts_stay():
        with Folder() as f:
            server = serve()
            port = server.server_port
            server.shutdown()
            server.server_close()
            course(f, [("github:grafana/k6", "atom", "http://127.0.0.1:%d/atom" % port, ""), ("other", "atom", "http://127.0.0.1:%d/other" % port, "")])
            done = f.nb("market", "refresh", check=0, env=TODAY)
            assert done.stdout == b"" and b"cannot be reached" in done.stderr and b"could not be reached a moment ago" in done.stderr, done.stderr
            f.nb("market", "refresh", "--feed", "nothing", check=1, env=TODAY)

    def a_certificate_that_nobody_vouches_for_is_refused():
        with Folder() as f:
            server, secure = serve(), serve()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(os.path.dirname(os.path.abspath(__file__)), "throwaway.pem"))
            secure.socket = context.wrap_socket(secure.socket, server_side=True)
            server.secure = "https://localhost:%d/atom" % secure.server_port
            # A redirect to https is followed, as far as the certificate.
            course(f, [("github:grafana/k6", "atom", server.secure, ""), ("moved", "atom", "http://127.0.0.1:%d/moved" % server.server_port, "")])
            done = f.nb("market", "refresh", check=0, env=TODAY)
            notes = re.findall(r"^note: (\S+): (.*)$", done.stderr.decode(), re.M)
            assert [n for n, _ in notes] == ["github:grafana/k6", "moved"], done.stderr
            assert "certificate" in notes[0][1].lower() and "localhost" in notes[1][1], done.stderr
            server.shutdown()
            secure.shutdown()

    return [check_reads_the_market_files, a_certificate_that_nobody_vouches_for_is_refused, facts_have_ages_and_states, a_feed_becomes_a_proposal_and_changes_nothing, hostile_feeds_are_notes, without_a_network_old_facts_stay]
