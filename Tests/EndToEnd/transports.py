"""TLS and HTTP/2 at the lab's entry: the load kernel's own clients, and others where they are installed. And a page for a browser."""
import json
import re
import shutil
import socket
import ssl
import subprocess
import urllib.request

SYSTEM = b"""```perf
kind: system
id: three
origin:
  workers: 64
  routes:
    GET /item/{id}:
      - bytes: {size: 1KiB, etag: true}
    POST /echo:
      - bytes: {size: 3B}
    GET /page:
      - call: {to: part, path: /part, k: 2, mode: parallel}
      - bytes: {size: 10B}
part:
  kind: origin
  routes:
    GET /part:
      - bytes: {size: 5B}
```

```perf
kind: load
id: all
uses: three
executor: constant-vus
vus: 4
thinkTime: 20ms
duration: 3s
scenario:
  - {get: "/item/{id}", key: {dist: uniform, n: 50}}
  - {post: /echo, body: "0123456789"}
  - {get: /page}
compare:
  runs: 6
  metric: http_req_failed
  baseline: {name: plain}
  candidates:
    - {name: tls, set: {origin.transport: tls}}
    - {name: two, set: {origin.transport: http2}}
    - {name: clear, set: {origin.transport: http2-clear}}
thresholds:
  http_req_failed: ['rate==0']
block_time: {full: 12s, quick: 12s}
```
"""


def tests(Folder):
    nb = Folder.program

    def served(f, name, *overrides):
        process = subprocess.Popen([nb, "lab", "serve", name, *overrides], cwd=f.path, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        lines = [process.stdout.readline()]
        while "counters at" not in lines[-1]:
            lines.append(process.stdout.readline())
        return process, re.search(r"https?://[\d.:]+", lines[0]).group(), re.search(r"(http://[\d.:]+)?/_nb/counters", lines[-1]).group(1)

    def a_lab_speaks_tls_and_http2():
        with Folder() as f:
            f.file("three.md", SYSTEM)
            f.nb("run", "three.md", check=0)
            cell = json.loads(f.read("results/three.json"))["cells"][0]
            assert [arm["name"] for arm in cell["arms"]] == ["plain", "tls", "two", "clear"], cell["arms"]
            assert all(one["outcome"] == "pass" for one in cell["thresholds"]), cell["thresholds"]
            # Whatever clients speak, the system behind is one: answers of the same size, and nothing was lost.
            sizes = [{r["name"]: r["metrics"]["http_reqs"]["estimate"] > 0 for r in arm["requests"]} for arm in cell["arms"]]
            assert all(all(one.values()) and len(one) == 3 for one in sizes), sizes

            process, entry, control = served(f, "three.md#three", "--set", "origin.transport=http2")
            try:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                # A client without HTTP/2 gets HTTP/1.1.
                with urllib.request.urlopen(entry + "/item/3", context=context, timeout=10) as answer:
                    assert answer.status == 200 and len(answer.read()) == 1024 and answer.version == 11
                if shutil.which("curl"):
                    said = subprocess.run(["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code} %{size_download}",
                                           entry + "/item/3"], capture_output=True, text=True, timeout=20).stdout
                    assert said == "2 200 1024", said
                    tag = re.search(r'etag: (".*")', subprocess.run(["curl", "-skI", "--http2", entry + "/item/3"], capture_output=True, text=True, timeout=20).stdout)
                    said = subprocess.run(["curl", "-sk", "--http2", "-H", f"If-None-Match: {tag.group(1)}", "-o", "/dev/null", "-w", "%{http_code} %{size_download}",
                                           entry + "/item/3"], capture_output=True, text=True, timeout=20).stdout
                    assert said == "304 0", said
                if shutil.which("h2load"):
                    said = subprocess.run(["h2load", "-n", "400", "-c", "2", "-m", "10", entry + "/item/1"], capture_output=True, text=True, timeout=60).stdout
                    assert "400 succeeded, 0 failed" in said, said
                with urllib.request.urlopen(control + "/_nb/counters", timeout=10) as answer:
                    counters = json.load(answer)
                assert counters["origin.requests"] >= 1, counters
            finally:
                process.terminate()
                process.wait()

    def the_page_preset_is_a_page():
        with Folder() as f:
            process, entry, _ = served(f, "page", "--set", "edge.shape.rate=10MiB", "--set", "edge.shape.delay=1ms")
            try:
                types = {}
                for path in ("/", "/style.css", "/app.js", "/hero.svg"):
                    with urllib.request.urlopen(entry + path, timeout=10) as answer:
                        types[path] = (answer.headers["Content-Type"].split(";")[0], len(answer.read()))
                assert types == {"/": ("text/html", 8 << 10), "/style.css": ("text/css", 24 << 10), "/app.js": ("text/javascript", 120 << 10),
                                 "/hero.svg": ("image/svg+xml", 180 << 10)}, types
                if shutil.which("chromium"):
                    said = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", entry + "/"], capture_output=True, text=True,
                                          timeout=90).stdout
                    assert "Trail lantern" in said and 'src="/hero.svg"' in said, said
            finally:
                process.terminate()
                process.wait()

    def a_large_answer_is_sent_once():
        """Beyond what a socket takes at a time, the channel says that it is writable again while the answer is being written."""
        with Folder() as f:
            f.file("large.md", b"```perf\nkind: system\nid: large\norigin:\n  routes:\n    GET /large: [{bytes: {size: 512KiB}}]\n```\n")
            process = subprocess.Popen([Folder.program, "lab", "serve", "large.md#large"], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            try:
                port = int(re.search(rb":(\d+)", process.stdout.readline()).group(1))
                with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                    for path in (b"/large", b"/_nb/system", b"/large", b"/_nb/counters"):
                        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: here\r\n\r\n")
                        answer = b""
                        while b"\r\n\r\n" not in answer:
                            answer += connection.recv(65536)
                        head, body = answer.split(b"\r\n\r\n", 1)
                        length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
                        assert head.startswith(b"HTTP/1.1 200") and (length == 512 << 10) == (path == b"/large"), (path, head)
                        while len(body) < length:
                            body += connection.recv(65536)
                        assert len(body) == length, (path, len(body), length)
                    connection.settimeout(0.2)
                    try:
                        rest = connection.recv(65536)
                    except TimeoutError:
                        rest = b""
                    assert rest == b"", rest[:100]
            finally:
                process.terminate()
                process.wait()

    return [a_large_answer_is_sent_once, a_lab_speaks_tls_and_http2, the_page_preset_is_a_page]
