"""`nb serve` with the built nb: what it serves and refuses, what open pages are told after a save, and blocks that run by themselves."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import site_build

SIM = """# A queue

```perf
kind: sim
id: queue
model: mm1
params: {rho: 0.5, service: 10ms}
replications: 4
```
"""


def tests(Folder):
    nb = Folder.program

    class Served:
        """A running server, and what an open page would be told."""

        def __init__(self, f, *options):
            self.process = subprocess.Popen([nb, "serve", "--port", "0", *options], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=open(os.path.join(f.path, "serve.err"), "w"), text=True)
            line = self.process.stdout.readline()
            assert line, open(os.path.join(f.path, "serve.err")).read()
            self.port = int(re.search(r"http://127.0.0.1:(\d+)/", line).group(1))
            self.events = []
            self.changed = threading.Condition()
            threading.Thread(target=self.listen, daemon=True).start()

        def listen(self):
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.request("GET", "/_nb/events")
            answer = connection.getresponse()
            name = ""
            while line := answer.readline().decode():
                if line.startswith("event: "):
                    name = line[7:].strip()
                if line.startswith("data: "):
                    with self.changed:
                        self.events.append((name, json.loads(line[6:])))
                        self.changed.notify_all()

        def wait(self, wanted, seconds=60):
            """The first event that `wanted` accepts; events before it are taken away."""
            with self.changed:
                end = time.monotonic() + seconds
                while True:
                    for i, event in enumerate(self.events):
                        if wanted(*event):
                            del self.events[:i + 1]
                            return event[1]
                    assert self.changed.wait(end - time.monotonic()), self.events

        def get(self, path, host=None, method="GET"):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")

        def end(self):
            self.process.send_signal(signal.SIGINT)
            assert self.process.wait(timeout=20) == 0

    def a_save_brings_open_pages_up_to_date():
        with Folder() as f:
            site_build.make_course(f)
            served = Served(f)
            try:
                served.wait(lambda name, said: name == "hello" and said["problems"] == "")
                path = os.path.join(f.path, "Notebooks/day05.md")
                text = open(path).read()
                open(path, "a").write("\nA fresh sentence.\n")
                said = served.wait(lambda name, said: name == "built" and "day05.html" in said["written"])
                assert said["problems"] == "" and "day07.html" not in said["written"], said
                assert "A fresh sentence." in served.get("/day05.html")[1]
                # A mistake is told, and the last good page stays.
                open(path, "w").write(text.replace("kind: sim", "kind: smi"))
                said = served.wait(lambda name, said: name == "built" and said["problems"])
                assert "did you mean `sim`" in said["problems"] and "day05.md:" in said["problems"], said
                assert "A fresh sentence." in served.get("/day05.html")[1]
                open(path, "w").write(text)
                served.wait(lambda name, said: name == "built" and not said["problems"] and "day05.html" in said["written"])
                assert "A fresh sentence." not in served.get("/day05.html")[1]
            finally:
                served.end()

    def only_the_site_is_served_and_only_to_this_machine():
        with Folder() as f:
            site_build.make_course(f, 3)
            f.file("secret.html", b"secret")
            served = Served(f)
            try:
                status, home = served.get("/")
                assert status == 200 and "/_nb/preview.js" in home and "connect-src 'self'" in home
                assert served.get("/nowhere.html")[0] == 404
                for path in ("/../secret.html", "/%2e%2e/secret.html", "/..%2fsecret.html", "/.nb/site/pages", "/day01.html%00"):
                    status, text = served.get(path)
                    assert status in (400, 404) and text != "secret", (path, status, text)
                for host in ("evil.example", f"evil.example:{served.port}", f"127.0.0.1.evil.example:{served.port}", "127.0.0.1:1", ""):
                    assert served.get("/", host=host or " ")[0] in (400, 421), host
                assert served.get("/", method="POST")[0] == 405 and served.get("/", method="HEAD")[0] == 200
                # Nothing listens on other addresses of this machine.
                other = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
                for address in [one for one in other if ":" not in one]:
                    try:
                        socket.create_connection((address, served.port), timeout=2).close()
                        raise AssertionError(f"{address} answers")
                    except OSError:
                        pass
                taken = f.nb("serve", "--port", str(served.port), check=1).stderr.decode()
                assert "--port 0" in taken, taken
            finally:
                served.end()

    def a_save_runs_what_it_made_stale():
        with Folder() as f:
            f.file("queue.md", SIM.encode())
            served = Served(f, "--run", "--quick")
            try:
                served.wait(lambda name, said: name == "hello")
                path = os.path.join(f.path, "queue.md")
                open(path, "w").write(SIM.replace("rho: 0.5", "rho: 0.6"))
                served.wait(lambda name, said: name == "running" and "queue.md" in said["text"])
                served.wait(lambda name, said: name == "running" and said["text"] == "")
                assert "<!-- nb:result queue" in open(path).read()
                served.wait(lambda name, said: name == "built" and "queue.html" in said["written"]) if "id=\"result-queue\"" not in served.get("/queue.html")[1] else None
                # Its own results are no reason to run again.
                time.sleep(0.5)
                with served.changed:
                    assert not [event for event in served.events if event[0] == "running"], served.events
            finally:
                served.end()

    return [a_save_brings_open_pages_up_to_date, only_the_site_is_served_and_only_to_this_machine, a_save_runs_what_it_made_stale]
