"""A disk that fails at each call of a run in turn: nothing that was there is lost, and one message says why."""
import json
import os
import shutil
import subprocess

from crash_files import QUEUE, calls, failing, leftovers, one_clear_message, shim, stored

WHOLE = os.environ.get("NB_ALL") == "1"


def tests(Folder):
    nb = Folder.program

    def run(f, *options, env=None):
        return subprocess.run([nb, "run", "--json", *options, "q.md"], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, timeout=120, env=env)

    def read(f, name):
        try:
            return f.read(name)
        except FileNotFoundError:
            return None

    def states():
        """What may stand on the disk after a cut: the author's bytes, and those after each finished block."""
        notebooks = {QUEUE}
        with Folder() as f:
            f.file("q.md", QUEUE)
            for only in ("first", "second"):
                assert run(f, "--only", only).returncode == 0
                notebooks.add(f.read("q.md"))
            last = f.read("q.md")
        return notebooks, last

    def assert_nothing_lost(f, notebooks, printed, place):
        assert read(f, "q.md") in notebooks, (place, read(f, "q.md"))
        # Whole JSON, or none: the speed of the simulation in it differs from run to run.
        values = json.loads(read(f, "results/q.json") or b'{"cells": []}')
        assert [cell["id"] for cell in values["cells"]] == ["first", "second"][:len(values["cells"])], (place, values)
        rows = [cell for _, cell, _ in stored(f.path)]
        finished = [json.loads(line)["id"] for line in printed.splitlines() if line.endswith(b"}")]
        assert len(rows) >= len(finished) and set(finished) <= set(rows), (place, rows, finished)

    def a_preloaded_library_takes_no_words_away():
        """Setting a variable before nb begins moves the environment, behind which a static Swift runtime looks for the words."""
        if not shim():
            return
        with Folder() as f:
            done = subprocess.run([nb, "explain", "", "E0"], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, env=failing(f.path))
            plain = subprocess.run([nb, "explain", "", "E0"], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL)
            assert (done.returncode, done.stdout, done.stderr) == (plain.returncode, plain.stdout, plain.stderr), (done, plain)
            assert b"lab serve" not in done.stdout, done.stdout

    def walk(kind, step):
        """Every `step`-th call of a run, and of the run after it, which finds everything there."""
        notebooks, last = states()
        with Folder() as f:
            log = f.path + ".log"
            f.file("q.md", QUEUE)
            assert run(f, env=failing(f.path, log=log)).returncode == 0
            seen = calls(log)
            os.unlink(log)
            assert len(seen) > 60, seen
            assert {call for call, *_ in seen} >= {"open", "write", "fsync", "rename", "unlink", "mkdir", "link", "ftruncate"}, {call for call, *_ in seen}
        failed = 0
        for n in range(1 + (7 * len(kind)) % step, len(seen) + 1, step):
            place = (kind, n, seen[n - 1])
            with Folder() as f:
                f.file("q.md", QUEUE)
                done = run(f, env=failing(f.path, n, kind))
                assert_nothing_lost(f, notebooks, done.stdout, place)
                if kind == "kill":
                    assert done.returncode == -9, (place, done)
                else:
                    assert done.returncode in (0, 1), (place, done.stderr)
                    # A disk on which nothing can be removed keeps what was begun, until the next run.
                    assert leftovers(f.path) == [] or kind in ("EIO+", "EACCES+", "EROFS+"), (place, leftovers(f.path))
                    if done.returncode == 1:
                        failed += 1
                        try:
                            one_clear_message(done.stderr)
                        except AssertionError as error:
                            raise AssertionError(place, error)
                # A disk that works again: the same as if nothing had been.
                again = run(f)
                assert again.returncode == 0, (place, again.stderr)
                assert read(f, "q.md") == last and leftovers(f.path) == [], (place, leftovers(f.path), read(f, "q.md"))
                assert len(stored(f.path)) >= 2
        return len(seen), failed

    def a_disk_that_fails_at_any_call_costs_nothing_that_was_there():
        if not shim():
            return
        for kind in ("ENOSPC", "EIO", "short", "ENOSPC+", "EIO+", "EACCES+", "EROFS+"):
            count, failed = walk(kind, 1 if WHOLE else 23)
            if WHOLE:
                print(f"        {kind}: {count} calls, {failed} of them end the run with one message", flush=True)
            # A short write is only written on.
            assert (failed == 0) == (kind == "short") or not WHOLE, (kind, failed)

    def a_kill_before_any_call_leaves_old_or_new():
        if not shim():
            return
        count, _ = walk("kill", 1 if WHOLE else 17)
        if WHOLE:
            print(f"        killed before each of {count} calls", flush=True)

    def data_is_on_the_disk_before_its_name_and_the_store_before_the_notebook():
        if not shim():
            return
        with Folder() as f:
            log = f.path + ".log"
            f.file("q.md", QUEUE)
            assert run(f, "--no-html", env=failing(f.path, log=log)).returncode == 0
            check_order([(call, os.path.relpath(path, os.path.realpath(f.path)), second) for call, path, second in calls(log)])
            os.unlink(log)

    def strace_sees_the_same_order():
        if not shutil.which("strace"):
            print("skipped: there is no strace", flush=True)
            return
        with Folder() as f:
            log = f.path + ".strace"
            f.file("q.md", QUEUE)
            done = subprocess.run(["strace", "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync,rename,linkat", "-s", "0", "-o", log, nb, "run", "--no-html", "q.md"],
                                  cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
            if done.returncode != 0 and b"ptrace" in done.stderr:
                print("skipped: strace is not allowed here", flush=True)
                return
            check_order(strace_calls(log, os.path.realpath(f.path)))
            os.unlink(log)

    return [a_preloaded_library_takes_no_words_away, a_disk_that_fails_at_any_call_costs_nothing_that_was_there, a_kill_before_any_call_leaves_old_or_new,
            data_is_on_the_disk_before_its_name_and_the_store_before_the_notebook, strace_sees_the_same_order]


def strace_calls(log, folder):
    import re
    found = []
    for line in open(log, errors="replace"):
        match = re.match(r'\d+ +(\w+)\((?:\d+<(/[^>]*)>(?:\(deleted\))?|AT_FDCWD.*?|".*?")[,)]', line)
        if not match:
            continue
        call, path = {"pwrite64": "write", "fdatasync": "fsync"}.get(match.group(1), match.group(1)), match.group(2)
        names = re.findall(r'"([^"]*)"', line)
        second = ""
        if call in ("rename", "linkat"):
            call = "link" if call == "linkat" else call
            path, second = names[0], names[-1]
        path = (path or "").replace("(deleted)", "").strip()
        second = os.path.join(folder, second) if second else ""
        path = os.path.join(folder, path)
        if path.startswith(folder) or second.startswith(folder) or call == "link":
            found.append((call, os.path.relpath(path, folder), second))
    return found


def check_order(seen):
    """For each file that is put into its place: its bytes, fsync, its name, fsync of the folder. And the log of the store is on
    the disk before a notebook or a results file gets its name."""
    named = [i for i, (call, path, second) in enumerate(seen) if call == "rename" and second.endswith(("/q.md", "/results/q.json"))]
    assert len(named) >= 4, seen
    for i in named:
        target = seen[i][2]
        before = seen[:i]
        link = max(j for j, (call, *_) in enumerate(before) if call == "link")
        sync = max(j for j in range(link) if before[j][0] == "fsync" and "#" in before[j][1])
        wrote = max(j for j in range(link) if before[j][0] == "write" and "#" in before[j][1])
        assert wrote < sync < link < i, (target, wrote, sync, link, i)
        folder = os.path.dirname(target)
        assert any(call == "fsync" and folder.endswith(path.lstrip(".").rstrip("/") or folder) and not path.endswith((".sqlite", "-wal"))
                   for call, path, _ in seen[i + 1:i + 3]), ("the folder is not synced", target, seen[i:i + 4])
        stores = [j for j, (call, path, _) in enumerate(before) if call == "write" and path.endswith("results.sqlite-wal")]
        syncs = [j for j, (call, path, _) in enumerate(before) if call == "fsync" and path.endswith("results.sqlite-wal")]
        assert stores and syncs and stores[-1] < syncs[-1] < wrote, ("the store is not on the disk before", target, stores, syncs, wrote)
