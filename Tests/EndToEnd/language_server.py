"""The language server over pipes, as an editor talks to it: findings equal to those of `nb check`, completion, hover, places, runs, and clients
that misbehave. Also the client of Tests/Bench/lsp.py."""
import json
import os
import queue
import re
import subprocess
import threading
import urllib.request


class Client:
    """Speaks the protocol; keeps what came."""

    def __init__(self, nb, folder, capabilities=None, environment=None):
        self.process = subprocess.Popen([nb, "lsp", "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)
        self.came = queue.Queue()
        self.notices = []
        self.said = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()
        self.number = 0
        if capabilities is not None:
            self.abilities = self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})["capabilities"]
            self.tell("initialized", {})

    def _read(self):
        out = self.process.stdout
        while True:
            length = None
            while True:
                line = out.readline()
                if not line:
                    return self.came.put(None)
                line = line.strip()
                if not line:
                    break
                name, value = line.split(b":", 1)
                assert name == b"Content-Length", ("not protocol on stdout", line)
                length = int(value)
            self.came.put(json.loads(out.read(length)))

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def tell(self, method, params):
        self.send({"method": method, "params": params})

    def take(self, wanted, timeout=60):
        """The next message that `wanted` accepts; notices that pass by are kept."""
        while True:
            message = self.came.get(timeout=timeout)
            if message is None or wanted(message):
                return message
            self.notices.append(message)

    def request(self, method, params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        return self.number

    def answer(self, number):
        return self.take(lambda m: m.get("id") == number and "method" not in m)

    def ask(self, method, params):
        reply = self.answer(self.request(method, params))
        assert "error" not in reply, reply
        return reply["result"]

    def findings(self, uri):
        message = self.take(lambda m: m.get("method") == "textDocument/publishDiagnostics" and m["params"]["uri"] == uri)
        return message["params"]

    def open(self, path, text, version=1):
        uri = "file://" + urllib.request.pathname2url(path)
        self.tell("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "markdown", "version": version, "text": text}})
        return uri, self.findings(uri)["diagnostics"]

    def end(self):
        self.ask("shutdown", None)
        self.tell("exit", None)
        code = self.process.wait(60)
        assert code == 0, code


def at(text, mark, inside=0):
    """The position of a text's first occurrence, in UTF-16 units."""
    offset = text.index(mark) + inside
    line = text.count("\n", 0, offset)
    column = text[text.rfind("\n", 0, offset) + 1:offset]
    return {"line": line, "character": len(column.encode("utf-16-le")) // 2}


LESSON = """# A notebook 😀

```perf
kind: system
id: shop2
origin:
  workers: 4
  routes:
    GET /:
      - wait: {mean: 5ms, stands_for: a database}
```

```perf
kind: load
id: base
uses: shop2
executor: constant-arrival-rate
rate: 50rps
duration: 500ms
scenario: [{get: /}]
thresholds:
  http_req_failed: ['rate<0.01']
```

The mean is {{ base.mean }} 😀 {{ base.p99 }}.
"""


FACTS = """facts:
  - id: aws.hour
    statement: one vCPU for an hour
    value: 0.08 USD/h
    as_of: 2026-06-17
    source: a page
    source_kind: secondary
    ttl_days: 365
"""

MONEY = """```perf
kind: cost
id: money
formula: F3
inputs:
  cpu_per_req: 2ms
  rate: 100rps
  usd_per_vcpu_hour: ${market.aws.hour}
```

```perf
kind: check
id: exercise
gate: ['day01/base.p99<=1s']
```
"""


def checked(f, name):
    """What `nb check` says: (line, column, severity, id)."""
    done = f.nb("check", "--quiet", name)
    found = re.findall(r"^[^\n]*%s:(\d+):(\d+): (error|warning|note): .*\[([a-z0-9-]+)\]$" % re.escape(name), done.stderr.decode(), re.M)
    return sorted((int(l), int(c), s, i) for l, c, s, i in found)


def published(items, text):
    """The same of published findings; columns back in bytes."""
    lines = re.split(r"\r\n|\n|\r", text)
    found = []
    for item in items:
        start = item["range"]["start"]
        before = lines[start["line"]].encode("utf-16-le")[:2 * start["character"]].decode("utf-16-le")
        found.append((start["line"] + 1, len(before.encode()) + 1, {1: "error", 2: "warning", 3: "note"}[item["severity"]], item["code"]))
    return sorted(found)


def tests(Folder):
    def the_language_server_answers_like_nb_check():
        with Folder() as f:
            wrong = LESSON.replace("rate: 50rps", "raet: 50rps").replace("base.p99", "bsae.p99").replace("workers: 4", "workers: many")
            client = Client(f.program, f.path, {})
            for name, text in (("right.md", LESSON), ("wrong.md", wrong), ("crlf.md", wrong.replace("\n", "\r\n"))):
                path = f.file(name, text.encode())
                _, items = client.open(path, text)
                assert published(items, text) == checked(f, name), (name, items, checked(f, name))
                assert (name == "right.md") == (items == []), items
            client.end()

    def typing_changes_the_findings():
        with Folder() as f:
            client = Client(f.program, f.path, {})
            text = LESSON
            path = f.file("typed.md", text.encode())
            uri, items = client.open(path, text)
            assert items == []
            place = at(text, "rate: 50rps")
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [
                {"range": {"start": place, "end": {"line": place["line"], "character": 4}}, "text": "raet"}]})
            told = client.findings(uri)
            assert told["version"] == 2
            wrong = [i for i in told["diagnostics"] if i["code"] == "unknown-key"]
            assert len(wrong) == 1 and wrong[0]["range"] == {"start": place, "end": {"line": place["line"], "character": 4}}, wrong
            assert wrong[0]["source"] == "nb" and "did you mean `rate`?" in wrong[0]["message"], wrong
            # The remedy, applied, is the text that was right.
            actions = client.ask("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": wrong[0]["range"], "context": {"diagnostics": wrong}})
            edits = [a["edit"]["changes"][uri] for a in actions if a["diagnostics"][0]["code"] == "unknown-key"]
            assert edits == [[{"range": wrong[0]["range"], "newText": "rate"}]], actions
            # A version that is not newer changes nothing.
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": "nothing"}]})
            # Twice in the emoji's line: units of UTF-16.
            place = at(text, "base.p99")
            end = {"line": place["line"], "character": place["character"] + 8}
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 3}, "contentChanges": [
                {"range": {"start": wrong[0]["range"]["start"], "end": wrong[0]["range"]["end"]}, "text": "rate"},
                {"range": {"start": place, "end": end}, "text": "base.p98"}]})
            told = client.findings(uri)
            while told["version"] != 3:
                told = client.findings(uri)
            assert [(i["code"], i["range"]["start"]["line"]) for i in told["diagnostics"]] == [("unknown-metric", place["line"])], told
            client.end()

    def completion_hover_and_places():
        with Folder() as f:
            path = f.file("lesson.md", LESSON.encode())
            client = Client(f.program, f.path, {"general": {"positionEncodings": ["utf-16"]}})
            assert client.abilities["positionEncoding"] == "utf-16"
            uri, _ = client.open(path, LESSON)

            def ask(method, mark, inside=0, **more):
                return client.ask("textDocument/" + method, {"textDocument": {"uri": uri}, "position": at(LESSON, mark, inside), **more})
            labels = {i["label"]: i for i in ask("completion", "rate: 50rps")["items"]}
            assert "warm" in labels and "executor" not in labels and "duration" not in labels, sorted(labels)
            assert "excluded from every number" in labels["warm"]["documentation"]["value"], labels["warm"]
            assert [i["label"] for i in ask("completion", "constant-arrival-rate")["items"]][:1] == ["constant-arrival-rate"]
            assert {"shop2", "shop"} <= {i["label"] for i in ask("completion", "shop2\nexecutor")["items"]}
            assert "stands_for" not in {i["label"] for i in ask("completion", "mean: 5ms")["items"]}
            assert "dist" in {i["label"] for i in ask("completion", "mean: 5ms")["items"]}
            assert "p99" in {i["label"] for i in ask("completion", "base.p99", 5)["items"]}
            assert "of the straight line" not in ask("hover", "duration: 500ms")["contents"]["value"]
            assert "measured time" in ask("hover", "duration: 500ms")["contents"]["value"]
            assert "arrivals: poisson" not in ask("hover", "50rps")["contents"]["value"]
            assert "rate: 50rps" in ask("hover", "50rps")["contents"]["value"]
            assert "Not yet measured" in ask("hover", "base.p99")["contents"]["value"]
            place = ask("definition", "base.p99")
            assert place["uri"] == uri and place["range"]["start"] == at(LESSON, "id: base", 4), place
            assert len(ask("references", "base.p99", context={"includeDeclaration": True})) == 3
            assert ask("definition", "shop2\nexecutor")["range"]["start"] == at(LESSON, "shop2")
            edits = ask("rename", "base.p99", newName="start")["changes"][uri]
            assert len(edits) == 3 and {e["newText"] for e in edits} == {"start"}, edits
            symbols = client.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
            assert [s["name"] for s in symbols] == ["A notebook 😀"] and [s["name"] for s in symbols[0]["children"]] == ["shop2", "base"], symbols
            lenses = client.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
            assert [(l["command"]["title"], l["command"]["arguments"]) for l in lenses] == [("▶ Run cell", [uri, "base"])], lenses
            client.end()

    def names_lead_into_other_files():
        with Folder() as f:
            os.makedirs(f.path + "/market")
            f.file("course.yml", b"title: A course\n")
            facts = FACTS.replace("ttl_days: 365", "ttl_day: 365")
            f.file("market/facts.yml", facts.encode())
            f.file("day01.md", LESSON.encode())
            text = MONEY
            path = f.file("day02.md", text.encode())
            client = Client(f.program, f.path, {})
            uri, items = client.open(path, text)
            assert "unknown-fact" in {i["code"] for i in items}, items
            facts_uri, found = client.open(f.path + "/market/facts.yml", facts)
            assert {i["code"] for i in found} == {"fact-unknown-key", "fact-missing-key"}, found
            # What is saved is read anew.
            f.file("market/facts.yml", FACTS.encode())
            client.tell("textDocument/didSave", {"textDocument": {"uri": facts_uri}})
            told = client.findings(uri)["diagnostics"]
            assert "unknown-fact" not in {i["code"] for i in told}, told

            def ask(method, mark, inside=0):
                return client.ask("textDocument/" + method, {"textDocument": {"uri": uri}, "position": at(text, mark, inside)})
            place = ask("definition", "market.aws.hour", 8)
            assert place["uri"].endswith("/market/facts.yml") and place["range"]["start"] == at(FACTS, "aws.hour"), place
            assert "0.08 USD/h" in ask("hover", "market.aws.hour", 8)["contents"]["value"]
            place = ask("definition", "day01/base")
            assert place["uri"].endswith("/day01.md") and place["range"]["start"] == at(LESSON, "id: base", 4), place
            client.end()

    def a_cell_runs_from_the_editor():
        with Folder() as f:
            # Long enough to be called off on a machine that pauses.
            text = LESSON.replace("duration: 500ms", "duration: 5s").replace("\nThe mean", "\n```perf\nkind: sim\nid: model\nmodel: mm1\nparams: {rho: 0.5}\ncustomers: 2000\nreplications: 2\n```\n\nThe mean")
            path = f.file("lesson.md", text.encode())
            client = Client(f.program, f.path, {"window": {"workDoneProgress": True}})
            uri, items = client.open(path, text)
            assert items == [], items
            # Not while the text differs from the file.
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": text + "more\n"}]})
            refused = client.answer(client.request("workspace/executeCommand", {"command": "nb.run", "arguments": [uri, "model"]}))
            assert "save the notebook first" in refused["error"]["message"], refused
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 3}, "contentChanges": [{"text": text}]})
            token = client.ask("workspace/executeCommand", {"command": "nb.run", "arguments": [uri, "model"]})
            end = client.take(lambda m: m.get("method") == "$/progress" and m["params"]["value"]["kind"] == "end")
            assert end["params"]["token"] == token and end["params"]["value"]["message"] == "all passed", (end, client.notices)
            assert any(m.get("method") == "window/workDoneProgress/create" for m in client.notices), client.notices
            assert b"nb:result model" in f.read("lesson.md")
            # Its result is the hover of its id.
            now = f.read("lesson.md").decode()
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": 4}, "contentChanges": [{"text": now}]})
            hover = client.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": at(now, "id: model", 4)})
            assert "| " in hover["contents"]["value"] and "sim block" in hover["contents"]["value"], hover
            # Called off.
            token = client.ask("workspace/executeCommand", {"command": "nb.run", "arguments": [uri]})
            client.tell("window/workDoneProgress/cancel", {"token": token})
            end = client.take(lambda m: m.get("method") == "$/progress" and m["params"]["token"] == token and m["params"]["value"]["kind"] == "end")
            assert "called off" in end["params"]["value"]["message"], end
            client.end()

    def a_client_that_misbehaves_gets_answers():
        with Folder() as f:
            client = Client(f.program, f.path)
            early = client.answer(client.request("textDocument/hover", {}))
            assert early["error"]["code"] == -32002, early
            client.ask("initialize", {"capabilities": {}})
            assert client.answer(client.request("nb/nothing", {}))["error"]["code"] == -32601
            assert client.answer(client.request("textDocument/hover", {"textDocument": 3}))["error"]["code"] == -32602
            client.raw(b"Content-Length: 5\r\n\r\n{nope")
            assert client.take(lambda m: "error" in m)["error"]["code"] == -32700
            client.raw(b"Content-Length: many\r\n\r\n")
            assert client.take(lambda m: "error" in m)["error"]["code"] == -32700
            client.raw(b"Content-Length: 70000000\r\n\r\n")
            assert client.take(lambda m: "error" in m)["error"]["code"] == -32600
            for _ in range(7):
                client.raw(b" " * 10_000_000)
            # Half of a surrogate pair is one unit; what follows it keeps its place.
            uri = "file://" + f.path + "/x.md"
            body = json.dumps({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {
                "uri": uri, "languageId": "markdown", "version": 1, "text": "LONE {{ nothing.here }}\n\n```perf\nkind: nope\n```\n"}}}).replace("LONE", "\\ud83d")
            client.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body.encode())
            found = client.findings(uri)["diagnostics"]
            assert {"unknown-kind", "unknown-block"} >= {i["code"] for i in found} and found, found
            # A request that is cancelled before it is read.
            both = b""
            for message in ({"id": 900, "method": "textDocument/hover", "params": {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}},
                            {"method": "$/cancelRequest", "params": {"id": 900}}):
                body = json.dumps({"jsonrpc": "2.0", **message}).encode()
                both += b"Content-Length: %d\r\n\r\n" % len(body) + body
            client.raw(both)
            assert client.answer(900)["error"]["code"] == -32800
            client.end()
            # A client that is gone ends it.
            client = Client(f.program, f.path, {})
            client.process.stdin.close()
            assert client.process.wait(60) == 1
            assert client.came.get(timeout=60) is None

    return [the_language_server_answers_like_nb_check, typing_changes_the_findings, completion_hover_and_places, names_lead_into_other_files, a_cell_runs_from_the_editor,
            a_client_that_misbehaves_gets_answers]
