#!/usr/bin/env python3
"""Memory that nobody can reach any more must not grow with the work: nb under valgrind, with n and with 4n of everything.

Usage: leaks.py path/to/nb [check|build|run]…
A leak that happens once costs nothing; one for each notebook, block or result grows. Compared are valgrind's "definitely lost"
blocks of n and of 4n; valgrind loses some tens of them by chance in threads that are still running when the program ends.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NB = os.path.realpath(sys.argv[1])
SMALL, LARGE, CHANCE = 3, 12, 12

BLOCK = """
Text with a value {{ b%d.mean }} and a [link](#result-b%d).

```perf
kind: sim
id: b%d
model: mm1
params: {rho: 0.5, service: 10ms}
replications: 4
customers: 200
```
"""


def notebook(blocks):
    return "# A\n\n| a | b |\n| - | - |\n| 1 | 2 |\n" + "".join(BLOCK % (i, i, i) for i in range(blocks)) + "\n> [!NOTE]\n> The end.[^1]\n\n[^1]: a note\n"


def course(folder, notebooks, blocks):
    names = [f"n{i}" for i in range(notebooks)]
    open(os.path.join(folder, "course.yml"), "w").write(f"title: T\nlessons: [{', '.join(names)}]\n")
    for name in names:
        open(os.path.join(folder, name + ".md"), "w").write(notebook(blocks))
    return [name + ".md" for name in names]


def lost(command, count):
    """Definitely lost (bytes, blocks) of one command over `count` notebooks, or for `run` over `count` blocks."""
    folder = tempfile.mkdtemp(prefix="nb-leaks-")
    try:
        shutil.copytree(os.path.join(ROOT, "Themes"), os.path.join(folder, "Themes"))
        # valgrind 3.19 gives up on the debugging information of Swift 6; without it the counts are the same.
        program = os.path.join(folder, "nb")
        subprocess.run(["strip", "-o", program, NB], check=True)
        files = course(folder, 1 if command == "run" else count, count if command == "run" else 2)
        words = {"check": ["check", *files], "build": ["build", "."], "run": ["run", "--no-html", "--quiet", *files]}[command]
        log = os.path.join(folder, "valgrind.log")
        done = subprocess.run(["valgrind", "--leak-check=full", "--show-leak-kinds=definite", "--undef-value-errors=no", "--child-silent-after-fork=yes",
                               "--num-callers=16", f"--log-file={log}", program, *words], cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
        said = open(log).read()
        assert done.returncode == 0, (command, done.returncode, done.stderr.decode()[-1000:], said[-1000:])
        if "All heap blocks were freed" in said:
            return 0, 0, said
        found = re.search(r"definitely lost: ([\d,]+) bytes in ([\d,]+) blocks", said)
        assert found, said[-2000:]
        return *(int(n.replace(",", "")) for n in found.groups()), said
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    if not shutil.which("valgrind") or not shutil.which("strip"):
        print("skipped: valgrind or strip is not installed")
        return 0
    failed = 0
    for command in sys.argv[2:] or ["check", "build", "run"]:
        small, large = lost(command, SMALL), lost(command, LARGE)
        unit = "blocks" if command == "run" else "notebooks"
        grows = large[1] - small[1] > CHANCE
        print(f"{'GROWS' if grows else 'ok   '} {command}: definitely lost with {SMALL} {unit}: {small[0]} bytes in {small[1]} blocks; "
              f"with {LARGE}: {large[0]} bytes in {large[1]} blocks", flush=True)
        if grows:
            failed += 1
            print(large[2][-6000:])
    return 1 if failed else 0


sys.exit(main())
