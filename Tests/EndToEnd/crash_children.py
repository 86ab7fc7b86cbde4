"""What a notebook's programs may do to the machine: each is ended, it is said why, the next block goes on, and nothing is left."""
import os
import re
import shutil
import signal
import subprocess
import time

from crash_kills import marked

LIMITS = {"NB_LIMIT_TASKS": "200", "NB_LIMIT_MEMORY": str(300 << 20)}

# A bomb that nobody ends stops by itself at 3,000 processes, which this test then counts as a failure.
BOMB = """
```c #bomb
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>
long subject(long n) {
  atomic_int *count = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (;;) {
    if (atomic_load(count) > 3000) { usleep(1000); continue; }
    if (fork() == 0) { atomic_fetch_add(count, 1); %s }
  }
}
```
"""

HOG = """
```c #hog
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
long subject(long n) {
  for (int i = 0; i < 30; i++) { char *p = malloc(32 << 20); memset(p, 1, 32 << 20); usleep(20000); }
  return 1;
}
```
"""


def bench(name, subject, more=""):
    return f"\n```perf\nkind: bench\nid: {name}\nsubjects: [{{{subject}}}]\n{more}block_time: {{full: 300ms, quick: 200ms}}\n```\n"


LAST = bench("last", "command: 'true', name: t")


def tests(Folder):
    nb = Folder.program

    def run(f, text, expected, *words, **limits):
        temporary = os.path.join(f.path, "tmp")
        os.makedirs(temporary, exist_ok=True)
        f.file("c.md", ("# T\n" + text + LAST).encode())
        environment = {**os.environ, **LIMITS, **limits, "TMPDIR": temporary}
        done = subprocess.run([nb, "run", "--quick", "--trust", "--no-html", "c.md", *words], cwd=f.path, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, env=environment)
        said = done.stderr.decode()
        assert done.returncode == (1 if expected else 0), (done.returncode, said)
        after = f.read("c.md").decode()
        assert not expected or re.search(expected, said) and re.search(expected, after), (expected, said, after)
        assert "nb:result last" in after, "the next block goes on"
        for _ in range(250):
            left = [one for one in marked(temporary) if one[0] != os.getpid()]
            if not left:
                break
            time.sleep(0.02)
        assert not left, left
        assert [name for name in os.listdir(temporary)] == [], os.listdir(temporary)
        return said

    def a_fork_bomb_is_ended():
        if not shutil.which("cc"):
            return
        for also in ("", "setsid();"):
            with Folder() as f:
                run(f, BOMB % also + bench("b", "fence: bomb"), r"started more than 200 processes and threads")
        with Folder() as f:
            shell = "i=0; while [ $i -lt 1500 ]; do setsid sleep 100 & i=$((i+1)); done; wait"
            run(f, bench("b", f"shell: '{shell}', name: many"), r"started more than 200 processes and threads")

    def a_memory_hog_is_ended():
        if not shutil.which("cc"):
            return
        with Folder() as f:
            run(f, HOG + bench("b", "fence: hog"), r"used (3|4)\d\d MiB of memory, more than its limit of 300 MiB")

    def a_lab_that_needs_too_much_memory_is_ended_and_named():
        with Folder() as f:
            system = ("\n```perf\nkind: system\nid: big\norigin:\n  routes:\n    GET /i/{id}:\n"
                      "      - sql: {statement: \"select payload from orders where id = :id\"}\ndata: {orders: {rows: 300000}}\n```\n"
                      "\n```perf\nkind: load\nid: l\nuses: big\nexecutor: constant-vus\nvus: 2\nduration: 1s\n"
                      "scenario: [{get: \"/i/{id}\", key: {dist: uniform, n: 1000}}]\nblock_time: {full: 1s, quick: 1s}\n```\n")
            run(f, system, r"the lab used \d+ MiB of memory, more than its limit of 2 MiB", NB_LIMIT_MEMORY=str(2 << 20))

    def an_endless_printer_is_ended():
        with Folder() as f:
            run(f, bench("b", "shell: 'yes', name: y"), r"printed more than 67108864 bytes|did not end within")

    def daemons_and_the_deaf_are_ended():
        for shell in ("setsid sh -c \"trap : TERM HUP INT; while :; do sleep 1; done\" & sleep 0.01",
                      "trap : TERM HUP INT; (trap : TERM; sleep 300) & sleep 0.01",
                      "(setsid sh -c \"sleep 300 & sleep 300\" &) ; env -i setsid sleep 300 & sleep 0.02"):
            with Folder() as f:
                run(f, bench("b", f"shell: '{shell}', name: d"), None)

    def an_interrupt_ends_the_deaf_too():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with Folder() as f:
                temporary = os.path.join(f.path, "tmp")
                os.mkdir(temporary)
                shell = "trap : TERM HUP INT; setsid sh -c \"trap : TERM; while :; do sleep 1; done\" & while :; do sleep 1; done"
                f.file("c.md", ("# T\n" + bench("b", f"shell: '{shell}', name: d")).encode())
                process = subprocess.Popen([nb, "run", "--trust", "--no-html", "c.md"], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": temporary})
                for _ in range(500):
                    if len([line for _, line in marked(temporary) if line.startswith(b"sleep")]) >= 2:
                        break
                    time.sleep(0.02)
                process.send_signal(number)
                assert process.wait(30) == (130 if number != signal.SIGKILL else -9)
                for _ in range(250):
                    left = [one for one in marked(temporary) if one[0] != os.getpid()]
                    if not left:
                        break
                    time.sleep(0.02)
                assert not left, (number, left)

    return [a_fork_bomb_is_ended, a_memory_hog_is_ended, a_lab_that_needs_too_much_memory_is_ended_and_named, an_endless_printer_is_ended,
            daemons_and_the_deaf_are_ended, an_interrupt_ends_the_deaf_too]
