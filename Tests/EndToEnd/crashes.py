"""Failures around a run: two nb at once, full disks, lost permissions, replaced files, signals, a clock that jumps, a damaged store.
Each time nothing that was there is lost, and one message says place, cause and remedy.
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

from crash_files import QUEUE, failing, leftovers, one_clear_message, shim, stored

PAIRS = "".join(f"""
```perf
kind: bench
id: {name}
subjects: [{{command: 'sleep 0.02', name: long}}, {{command: 'true', name: short}}]
compare: {{baseline: long, candidates: [short]}}
why: it does not sleep
block_time: {{full: 600ms, quick: 300ms}}
```
""" for name in ("one", "two")).encode()

SLOW = """# Slow

```perf
kind: bench
id: wait
subjects: [{command: 'sleep 0.05', name: sleeper}]
block_time: {full: 8s, quick: 8s}
```
""".encode()


def tests(Folder):
    nb = Folder.program

    def start(f, *words, **options):
        return subprocess.Popen([nb, *words], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)

    def until(condition, what):
        for _ in range(1500):
            found = condition()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(what)

    def holder(f, name):
        """Waits until a lock is held; who writes down that it has it holds it."""
        path = os.path.join(f.path, ".nb/locks", name)
        return until(lambda: os.path.exists(path) and open(path).read().strip(), "nobody took the lock")

    # Two at once

    def a_second_nb_on_a_notebook_says_who_holds_it_or_waits():
        with Folder() as f:
            f.file("slow.md", SLOW)
            first = start(f, "run", "--trust", "--quick", "--no-html", "slow.md")
            said = holder(f, "slow.md")
            assert said.split("\n")[0] == str(first.pid) and "run --trust" in said, said
            for words in (["run", "--wait", "0"], ["clean", "--wait", "0"], ["fmt", "--wait", "0.1"], ["grade", "--run", "--wait", "0"]):
                done = f.nb(*words, "slow.md", check=1)
                _, cause, name, _ = one_clear_message(done.stderr)
                assert name == "notebook-busy" and f"process {first.pid}" in cause and "since 20" in cause and "nb run" in cause, done.stderr
            for words in (["accept", "slow.md#wait", "--wait", "0"], ["mv", "slow.md#wait", "other", "--wait", "0"]):
                assert b"notebook-busy" in f.nb(*words, check=1).stderr, words
            assert f.read("slow.md") == SLOW
            second = start(f, "clean", "slow.md")
            line = second.stderr.readline()
            assert b"waiting for nb run" in line and str(first.pid).encode() in line, line
            first.send_signal(signal.SIGKILL)
            first.wait()
            # The lock ends with its holder, however that ended.
            assert second.wait(30) == 0

    def who_waits_works_on_what_the_first_has_left():
        with Folder() as f:
            f.file("q.md", QUEUE)
            runs = [start(f, "run", "--no-html", "q.md") for _ in range(3)]
            for one in runs:
                said = one.stderr.read()
                assert one.wait() == 0, said
            assert len(stored(f.path)) == 6
            assert f.nb("clean", "--stdout", "q.md", check=0).stdout == QUEUE

    def two_files_in_either_order_do_not_wait_in_a_circle():
        with Folder() as f:
            for name in ("a.md", "b.md"):
                f.file(name, QUEUE)
            runs = [start(f, "run", "--no-html", *order) for order in (("a.md", "b.md"), ("b.md", "a.md")) for _ in range(2)]
            for one in runs:
                said = one.stderr.read()
                assert one.wait(120) == 0, said
            assert len(stored(f.path)) == 16

    def renames_that_touch_each_others_notebooks_end():
        with Folder() as f:
            f.file("course.yml", b"title: T\nlessons: [a, b]\n")
            for own, other in (("a", "b"), ("b", "a")):
                f.file(f"{own}.md", QUEUE + f"\nSee [there]({other}.md#result-first) and [here](#result-second).\n".encode())
                f.nb("run", "--no-html", f"{own}.md", check=0)
            both = [start(f, "mv", "a.md#first", "one"), start(f, "mv", "b.md#first", "two")]
            for one in both:
                said = one.stderr.read()
                assert one.wait(60) == 0, said
            assert b"b.md#result-two" in f.read("a.md") and b"a.md#result-one" in f.read("b.md"), (f.read("a.md"), f.read("b.md"))

    def runs_of_two_lessons_lose_no_line_of_the_log():
        with Folder() as f:
            lesson = ("```perf\nkind: lesson\nid: %s\nday: %d\ntitle: T\n```\n")
            f.file("course.yml", b"title: T\nlessons: [a, b]\n")
            for day, name in enumerate("ab"):
                f.file(f"{name}.md", b"# T\n\n" + (lesson % (name, day + 1)).encode() + PAIRS)
            runs = [start(f, "run", "--trust", "--no-html", f"{name}.md") for name in "ab"]
            for one in runs:
                said = one.stderr.read()
                assert one.wait(60) in (0, 3), said
            log = f.read("optimization-log.md").decode()
            for name in "ab":
                for block in ("one", "two"):
                    assert re.search(rf"\b{name}\b.*\b{block}\b", log), log

    # What a disk and its owner do

    def a_disk_that_is_full_or_not_writable_is_said_before_anything_is_measured():
        if not shim():
            return
        for kind, words in (("EROFS+", "Read-only"), ("ENOSPC+", "full"), ("EACCES+", "ermission")):
            with Folder() as f:
                f.file("q.md", QUEUE)
                done = subprocess.run([nb, "run", "q.md"], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, env=failing(f.path, 1, kind))
                assert done.returncode == 1 and words in done.stderr.decode(), done.stderr
                one_clear_message(done.stderr)
                assert b"[1/2]" not in done.stderr and f.read("q.md") == QUEUE

    def a_folder_that_is_mounted_read_only_is_said_at_once():
        with Folder() as f:
            f.file("q.md", QUEUE)
            script = f"mount --bind {f.path} {f.path} && mount -o remount,bind,ro {f.path} && cd {f.path} && exec {nb} run q.md"
            done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, stdin=subprocess.DEVNULL)
            if b"unshare" in done.stderr or b"mount:" in done.stderr:
                print("skipped: nothing can be mounted here", flush=True)
                return
            assert done.returncode == 1 and b"Read-only" in done.stderr, done.stderr
            one_clear_message(done.stderr)

    def permission_that_is_lost_during_a_run_costs_nothing_that_finished():
        if not shim():
            return
        with Folder() as f:
            f.file("q.md", QUEUE)
            log = f.path + ".log"
            subprocess.run([nb, "run", "--no-html", "q.md"], cwd=f.path, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=failing(f.path, log=log))
            names = [line.split("\t")[3] for line in open(log)]
            os.unlink(log)
            at = next(i for i, name in enumerate(names, 1) if name.strip().endswith("/q.md"))
        with Folder() as f:
            f.file("q.md", QUEUE)
            done = subprocess.run([nb, "run", "--no-html", "q.md"], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, env=failing(f.path, at, "EACCES+"))
            assert done.returncode == 1, done.stderr
            place, cause, _, _ = one_clear_message(done.stderr)
            assert place == "q.md" and "Permission denied" in cause and b"1 of 2 blocks had finished and are saved" in done.stderr, done.stderr
            assert f.read("q.md") == QUEUE and [cell for _, cell, _ in stored(f.path)] == ["first"]

    def a_notebook_that_is_replaced_during_a_run_is_left_alone():
        for how in ("link", "folder", "gone"):
            with Folder() as f:
                path = f.file("s.md", SLOW.replace(b"8s", b"2s"))
                other = f.file("other.md", SLOW.replace(b"# Slow", b"# Not this one").replace(b"8s", b"2s"))
                before = f.read("other.md")
                process = start(f, "run", "--trust", "--no-html", "s.md")
                holder(f, "s.md")
                until(lambda: f.children_of(b"--no-html"), "it runs")
                time.sleep(0.5)
                os.unlink(path)
                if how == "link":
                    os.symlink("other.md", path)
                elif how == "folder":
                    os.mkdir(path)
                said = process.stderr.read()
                assert process.wait() == 1, said
                one_clear_message(said)
                assert f.read("other.md") == before and b"are saved in" in said, said
                assert [cell for _, cell, _ in stored(f.path)] == ["wait"]

    def a_link_to_a_notebook_stays_one_and_an_owner_stays_the_owner():
        with Folder() as f:
            path = f.file("q.md", QUEUE)
            os.symlink("q.md", os.path.join(f.path, "link.md"))
            if os.geteuid() == 0:
                os.chown(path, 12345, 54321)
            os.chmod(path, 0o640)
            f.nb("run", "--no-html", "link.md", check=0)
            status = os.stat(path)
            assert os.path.islink(os.path.join(f.path, "link.md")) and status.st_mode & 0o7777 == 0o640
            assert b"nb:result first" in f.read("q.md")
            assert os.geteuid() != 0 or (status.st_uid, status.st_gid) == (12345, 54321), status

    def what_is_printed_onto_a_full_disk_is_no_success():
        if not os.path.exists("/dev/full"):
            return
        with Folder() as f:
            f.file("q.md", QUEUE)
            for words in (["clean", "--stdout", "q.md"], ["schema"], ["--version"]):
                with open("/dev/full", "w") as full:
                    done = subprocess.run([nb, *words], cwd=f.path, stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                assert done.returncode == 1 and b"No space left" in done.stderr, (words, done)
                one_clear_message(done.stderr)

    def a_damaged_store_is_saved_and_said_once():
        with Folder() as f:
            f.file("q.md", QUEUE)
            for _ in range(3):
                f.nb("run", "--no-html", "q.md", check=0)
            path = os.path.join(f.path, ".nb/results.sqlite")
            rows = stored(f.path)
            with open(path, "r+b") as file:
                file.write(bytes(100))
            damaged = open(path, "rb").read()
            done = f.nb("run", "--no-html", "q.md", check=0)
            said = done.stderr.decode()
            assert said.count("store-salvaged") == 1 and "6 saved results were taken over" in said and "none is known to be missing" in said, said
            aside = re.search(r"the damaged file is (\S+?);", said).group(1)
            assert open(aside, "rb").read() == damaged and os.path.basename(aside).startswith("results.sqlite.damaged-20")
            assert stored(f.path)[:6] == rows and len(stored(f.path)) == 8 and leftovers(f.path) == []
            assert b"salvaged" not in f.nb("run", "--no-html", "q.md", check=0).stderr

    # Signals and clocks

    def a_signal_saves_what_finished_and_leaves_nothing():
        for number in (signal.SIGINT, signal.SIGTERM):
            with Folder() as f:
                f.file("m.md", QUEUE + SLOW)
                process = start(f, "run", "--trust", "--json", "--no-html", "m.md")
                until(lambda: len(stored_quietly(f)) == 2, "two blocks finish")
                process.send_signal(number)
                said = process.stderr.read()
                assert process.wait() == 130 and b"2 of 3 blocks had finished and are saved" in said, said
                assert f.nb("clean", "--stdout", "m.md", check=0).stdout == QUEUE + SLOW and leftovers(f.path) == []

    def stored_quietly(f):
        import sqlite3
        try:
            with sqlite3.connect(f"file:{f.path}/.nb/results.sqlite?mode=ro", uri=True) as database:
                return database.execute("SELECT id FROM result").fetchall()
        except sqlite3.Error:
            return []

    def a_clock_that_jumps_changes_no_duration_and_no_order():
        if not shim():
            return
        for step in (-86400 * 3, 86400 * 3):
            with Folder() as f:
                f.file("q.md", QUEUE)
                f.nb("run", "--no-html", "q.md", check=0)
                f.file("q.md", SLOW.replace(b"8s", b"1s"))
                flag = os.path.join(f.path, "jump")
                environment = {**os.environ, "LD_PRELOAD": shim(), "NB_CLOCK_FILE": flag, "NB_CLOCK_STEP": str(step)}
                process = start(f, "run", "--trust", "--quick", "--no-html", "q.md", env=environment)
                holder(f, "q.md")
                time.sleep(0.6)
                open(flag, "w").close()
                said = process.stderr.read()
                assert process.wait() in (0, 3), said
                jumped = stored(f.path)[-1][2]
                time_taken = jumped["arms"][0]["metrics"]["time"]["estimate"]
                assert 5e7 <= (time_taken[0] if isinstance(time_taken, list) else time_taken) < 5e8, jumped
                assert b"clock" in said, said
                f.file("q.md", QUEUE)
                f.nb("run", "--no-html", "q.md", check=0)
                values = f.nb("history", "q/first", "--quick", "--json", check=0).stdout
                finished = [point["finished"] for point in json.loads(values.splitlines()[0])["series"]["points"]]
                assert len(finished) == 2

    return [a_second_nb_on_a_notebook_says_who_holds_it_or_waits, who_waits_works_on_what_the_first_has_left,
            two_files_in_either_order_do_not_wait_in_a_circle, renames_that_touch_each_others_notebooks_end, runs_of_two_lessons_lose_no_line_of_the_log,
            a_disk_that_is_full_or_not_writable_is_said_before_anything_is_measured, a_folder_that_is_mounted_read_only_is_said_at_once,
            permission_that_is_lost_during_a_run_costs_nothing_that_finished, a_notebook_that_is_replaced_during_a_run_is_left_alone,
            a_link_to_a_notebook_stays_one_and_an_owner_stays_the_owner, what_is_printed_onto_a_full_disk_is_no_success,
            a_damaged_store_is_saved_and_said_once,
            a_signal_saves_what_finished_and_leaves_nothing, a_clock_that_jumps_changes_no_duration_and_no_order]
