"""Helpers of the crash tests: the failing disk, and what must hold of a folder after any crash."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM_SOURCE = os.path.join(HERE, "..", "FailingFiles", "failing_files.c")

QUEUE = """# Queues

Prose with a value {{ first.queue_wait }} in it.

```perf
kind: sim
id: first
model: mm1
params: {rho: 0.5, service: 10ms}
replications: 4
customers: 500
```

Between.

```perf
kind: sim
id: second
model: mm1
params: {rho: 0.7, service: 10ms}
replications: 4
customers: 500
```

The end.
""".encode()

_shim = []


def shim():
    """The failing disk as a library; None where there is no C compiler, which is said once."""
    if not _shim:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        folder = tempfile.mkdtemp(prefix="nb-shim-")
        path = os.path.join(folder, "failing_files.so")
        if compiler:
            subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", path, SHIM_SOURCE, "-ldl"], check=True)
        else:
            print("skipped: no C compiler for the failing disk", flush=True)
        _shim.append(path if compiler else None)
    return _shim[0]


def failing(folder, at=0, kind="EIO", log=None, **more):
    """The environment of a program for which the disk below `folder` fails at its call `at`."""
    added = {"LD_PRELOAD": shim(), "NB_FAIL_BELOW": os.path.realpath(folder), "NB_FAIL_AT": str(at), "NB_FAIL_KIND": kind, **more}
    if log:
        added["NB_FAIL_LOG"] = log
    return {**os.environ, **added}


def calls(log):
    """What the failing disk saw: (call, path, second path)."""
    with open(log, errors="replace") as lines:
        return [tuple(line.rstrip("\n").split("\t")[1:]) for line in lines]


def stored(folder):
    """Rows of the results database as (lesson, cell, value), after SQLite's own look through it."""
    path = os.path.join(folder, ".nb/results.sqlite")
    if not os.path.exists(path):
        return []
    database = sqlite3.connect(path)
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'result'").fetchall():
            return []
        return [(lesson, cell, json.loads(value)) for lesson, cell, value in database.execute("SELECT lesson, cell, value FROM result ORDER BY id")]
    finally:
        database.close()


def leftovers(folder):
    """Temporary files of nb below a folder, wherever."""
    found = []
    for place, folders, names in os.walk(folder):
        found += [os.path.join(place, name) for name in names + folders
                  if re.search(r"\.nb-\d+$", name) or name.endswith((".salvage", ".salvaged", ".part")) or re.fullmatch(r"\.\d+-\d+", name)]
    return found


def one_clear_message(error):
    """Exactly one error, with its id and a remedy, and no trace of a crash of nb itself."""
    said = error.decode(errors="replace")
    assert "Fatal error" not in said and "Backtrace" not in said, said
    errors = re.findall(r"^(\S.*): error: (.+) \[([a-z-]+)\]\n( *= .+)?", said, re.M)
    assert len(errors) == 1 and said.count("error:") == 1, said
    assert errors[0][3].strip().startswith("="), "no remedy: " + said
    return errors[0]
