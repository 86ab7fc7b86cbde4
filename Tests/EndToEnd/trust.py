"""Who may make this machine execute something: nb trust, what loses it, where it is kept, and what is never asked about."""
import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def tests(Folder):
    class Person(Folder):
        """A folder whose owner has a state folder of their own."""

        def __enter__(self):
            super().__enter__()
            self.state = os.path.join(self.path, "state")
            return self

        def nb(self, *args, check=None, **options):
            options.setdefault("env", {**os.environ, "XDG_STATE_HOME": self.state})
            return super().nb(*args, check=check, **options)

        def at_terminal(self, *args, answer):
            """nb with a terminal as stdin and stderr, at which somebody types `answer`; its exit code and what the terminal showed."""
            master, slave = pty.openpty()
            process = subprocess.Popen([self.program, *args], cwd=self.path, stdin=slave, stderr=slave, stdout=subprocess.DEVNULL,
                                       env={**os.environ, "XDG_STATE_HOME": self.state})
            os.close(slave)
            shown, asked, end = b"", False, time.monotonic() + 60
            while time.monotonic() < end:
                if not select.select([master], [], [], 0.2)[0]:
                    if process.poll() is not None:
                        break
                    continue
                try:
                    more = os.read(master, 4096)
                except OSError:
                    break
                if not more:
                    break
                shown += more
                if b"[y/N]" in shown and not asked:
                    asked = True
                    os.write(master, answer)
            process.wait(timeout=60)
            os.close(master)
            return process.returncode, shown.decode("utf-8", "replace")

    def touching(f, marker="ran", more=""):
        path = os.path.join(f.path, marker)
        return f"# T\n\nSome prose.\n\n```perf\nkind: bench\nid: b\nsubjects: [{{command: 'touch {path}', name: t}}]\nblock_time: {{full: 300ms, quick: 100ms}}\n```\n{more}".encode(), path

    def commands_of_a_notebook_need_trust():
        with Person() as f:
            text, marker = touching(f)
            f.file("c.md", text)
            done = f.nb("run", "--quick", "c.md", check=1)
            assert b"not-trusted" in done.stderr and b"nb trust c.md" in done.stderr and not os.path.exists(marker)
            shown = f.nb("trust", "--show", "c.md", check=0).stdout.decode()
            assert "not trusted" in shown and f"touch {marker}" in shown and not os.path.exists(marker)
            f.nb("run", "--quick", "--trust", "c.md", check=0)
            assert os.path.exists(marker) and not os.path.exists(f.state), "--trust is for one run and keeps nothing"

    def trust_is_kept_by_prose_and_lost_by_code():
        with Person() as f:
            text, marker = touching(f)
            f.file("c.md", text)
            f.nb("trust", "c.md", check=0)
            f.file("c.md", text.replace(b"Some prose.", b"Other prose.\n\nMore of it."))
            f.nb("run", "--quick", "c.md", check=0)
            assert os.path.exists(marker)
            os.unlink(marker)
            f.file("c.md", text.replace(b"touch ", b"touch -c "))
            done = f.nb("run", "--quick", "c.md", check=1)
            assert b"is not what you trusted on" in done.stderr and b"which has changed" in done.stderr, done.stderr
            # Written back to what was trusted, it is trusted again.
            f.file("c.md", text)
            f.nb("run", "--quick", "c.md", check=0)
            f.nb("trust", "--withdraw", "c.md", check=0)
            assert b"not-trusted" in f.nb("run", "--quick", "c.md", check=1).stderr

    def trust_is_of_one_place_and_never_in_the_project():
        with Person() as f:
            text, _ = touching(f)
            f.file("c.md", text)
            f.nb("trust", "c.md", check=0)
            kept = [os.path.join(folder, name) for folder, _, names in os.walk(f.path) for name in names if name != "c.md"]
            assert kept and all(path.startswith(f.state + "/nb/trust/") for path in kept), kept
            os.mkdir(os.path.join(f.path, "elsewhere"))
            shutil.copy(os.path.join(f.path, "c.md"), os.path.join(f.path, "elsewhere/c.md"))
            assert b"not-trusted" in f.nb("run", "--quick", "elsewhere/c.md", check=1).stderr
            # A record that somebody else put into the project is read by nobody.
            shutil.copytree(f.state, os.path.join(f.path, "elsewhere/.nb/trust"))
            assert b"not-trusted" in f.nb("run", "--quick", "elsewhere/c.md", check=1).stderr
            records = f.nb("trust", "--list", check=0).stdout.decode()
            assert re.search(r"/c\.md: since \d{4}-\d\d-\d\d, 1 part\n", records) and "elsewhere" not in records, records
            # A link is the file that it leads to.
            os.symlink("c.md", os.path.join(f.path, "link.md"))
            f.nb("run", "--quick", "link.md", check=0)

    def a_script_that_a_command_names_is_part_of_it():
        with Person() as f:
            f.file("work.sh", b"true\n")
            f.file("c.md", b"# T\n\n```perf\nkind: bench\nid: b\nsubjects: [{command: sh ./work.sh, name: t}]\nblock_time: {full: 300ms, quick: 100ms}\n```\n")
            f.nb("trust", "c.md", check=0)
            f.nb("run", "--quick", "c.md", check=0)
            f.file("work.sh", b"true # but other\n")
            done = f.nb("run", "--quick", "c.md", check=1)
            assert b"file ./work.sh, which has changed" in done.stderr, done.stderr

    def setup_prepare_and_options_are_executed_too():
        with Person() as f:
            body = "# T\n\n```python #work\ndef subject(n):\n    return n\n```\n\n```perf\nkind: bench\nid: b\n%ssubjects: [{fence: work%s}]\n```\n"
            f.file("c.md", (body % ("", "")).encode())
            f.nb("trust", "c.md", check=0)
            assert b"are" not in f.nb("trust", "--show", "c.md", check=0).stdout.split(b"\n")[0]
            for more, options in [("setup: touch ran\n", ""), ("", ", options: [-O]")]:
                f.file("c.md", (body % (more, options)).encode())
                done = f.nb("run", "--quick", "c.md", check=1)
                assert b"not-trusted" in done.stderr and not os.path.exists(os.path.join(f.path, "ran")), done.stderr

    def unused_code_is_not_asked_about():
        with Person() as f:
            f.file("c.md", b"# T\n\n```sh #shown\ntouch ran\n```\n\n```perf\nkind: bench\nid: spin\nsubjects: [{builtin: spin}]\nblock_time: {full: 300ms, quick: 100ms}\n```\n")
            assert b"executes nothing" in f.nb("trust", "--show", "c.md", check=0).stdout
            f.nb("run", "--quick", "c.md", check=0)
            assert not os.path.exists(os.path.join(f.path, "ran"))

    def an_own_edit_is_confirmed_once_at_a_terminal():
        with Person() as f:
            code = "# T\n\n```python #mine edit\ndef subject(n):\n    return %s\n```\n\n```perf\nkind: bench\nid: b\nsubjects: [{fence: mine}]\nblock_time: {full: 300ms, quick: 100ms}\n```\n"
            f.file("c.md", (code % 1).encode())
            f.nb("trust", "c.md", check=0)
            f.file("c.md", (code % 2).encode())
            done = f.nb("run", "--quick", "c.md", check=1)
            assert b"not-trusted" in done.stderr, "nobody is there who could be asked"
            status, shown = f.at_terminal("run", "--quick", "c.md", answer=b"n\n")
            assert status == 1 and "-    return 1" in shown and "+    return 2" in shown, shown
            status, shown = f.at_terminal("run", "--quick", "c.md", answer=b"y\n")
            assert status in (0, 3), shown
            status, shown = f.at_terminal("run", "--quick", "c.md", answer=b"n\n")
            assert status in (0, 3) and "[y/N]" not in shown, shown
            # A fence that is not the learner's is not asked about but refused.
            f.file("c.md", (code.replace(" edit", "") % 3).encode())
            status, shown = f.at_terminal("run", "--quick", "c.md", answer=b"y\n")
            assert status == 1 and "[y/N]" not in shown and "not-trusted" in shown, shown

    def the_shipped_course_is_trusted_as_it_came():
        with Person() as f:
            shutil.copytree(os.path.join(ROOT, "Notebooks"), os.path.join(f.path, "Notebooks"))
            parts = [json.loads(line) for day in range(1, 11) for line in
                     f.nb("trust", "--show", "--json", f"Notebooks/day{day:02d}.md", check=0).stdout.splitlines()]
            assert len(parts) > 20 and all(part["isTrusted"] for part in parts), [p for p in parts if not p["isTrusted"]]
            path = os.path.join(f.path, "Notebooks/day06.md")
            text = open(path).read()
            assert "subject(" in text
            open(path, "w").write(text.replace("subject(", "subject( ", 1))
            done = f.nb("run", "--quick", "Notebooks/day06.md", check=1)
            assert b"other code than the one that came with nb" in done.stderr, done.stderr

    def asking(statement):
        """A load whose only stage is this statement."""
        return ("# T\n\n```perf\nkind: system\nid: s\norigin:\n  workers: 2\n  routes:\n    GET /item/{id}:\n"
                f"      - sql: {{as: read, statement: \"{statement}\"}}\n      - bytes: {{size: 100B}}\ndata:\n  items: {{rows: 20, popularity: uniform}}\n```\n\n"
                "```perf\nkind: load\nid: l\nuses: s\nexecutor: shared-iterations\nvus: 1\niterations: 20\nscenario: [{get: \"/item/{id}\", key: items}]\n"
                "block_time: {full: 1s, quick: 1s}\n```\n").encode()

    def real_components_need_trust():
        with Person() as f:
            f.file("c.md", asking("SELECT * FROM items WHERE id = :id"))
            shown = f.nb("trust", "--show", "c.md", check=0).stdout
            assert b"real postgres: not trusted; only with --real" in shown and b"SELECT * FROM items" in shown, shown
            done = f.nb("run", "--quick", "--real", "postgres", "c.md", check=1)
            assert b"not-trusted" in done.stderr and b"SQL of `l`" in done.stderr and b"real postgres" in done.stderr, done.stderr
            f.nb("run", "--quick", "c.md", check=0)
            done = f.nb("lab", "serve", "c.md#s", "--real", "postgres", check=1)
            assert b"not-trusted" in done.stderr and b"SQL of" in done.stderr and b"real postgres" in done.stderr, done.stderr

    def statements_of_a_block_reach_no_other_file():
        with Person() as f:
            other = os.path.join(f.path, "other.db")
            for statement in (f"ATTACH '{other}' AS other", f"VACUUM INTO '{other}'"):
                f.file("c.md", asking(statement))
                done = f.nb("run", "--quick", "c.md", check=1)
                # ATTACH is refused when it is prepared; VACUUM attaches inside, so each request fails.
                said = done.stderr + f.read("c.md")
                assert (b"not authorized" in said or b"every request failed" in said) and not os.path.exists(other), (statement, done.stderr)

    def targets_of_a_course_count_once_trusted():
        with Person() as f:
            f.file("course.yml", b"title: T\ntargets: [192.0.2.1]\n")
            words = ("load", "http://192.0.2.1:9/", "--rate", "1", "--duration", "100ms")
            done = f.nb(*words, check=1)
            assert b"which you have not trusted" in done.stderr and b"nb trust" in done.stderr, done.stderr
            f.nb("trust", "course.yml", check=0)
            assert b"not trusted" not in f.nb("trust", "--show", "course.yml", check=0).stdout
            f.file("course.yml", b"title: T\ntargets: [192.0.2.1, 192.0.2.2]\n")
            shown = f.nb("trust", "--show", "course.yml", check=0).stdout
            assert b"target 192.0.2.1: trusted" in shown and b"target 192.0.2.2: not trusted" in shown, shown

    def what_is_shown_is_what_runs():
        with Person() as f:
            f.file("c.md", "# T\n\n```sh #x mode=process\necho \x1b[2Kharmless \u202e gnihtemos\n```\n\n```perf\nkind: bench\nid: b\nsubjects: [{fence: x}]\n```\n".encode())
            shown = f.nb("trust", "--show", "c.md", check=0).stdout.decode()
            assert "\x1b" not in shown and "\u202e" not in shown and "echo ·[2Kharmless · gnihtemos" in shown, shown

    def confined_code_is_said_in_the_result():
        with Person() as f:
            body = ("# T\n\n```python #work\ndef subject(n):\n    import socket\n    try:\n        socket.socket()\n    except OSError:\n        return 1\n    return 2\n```\n\n"
                    "```perf\nkind: bench\nid: b\nsubjects: [{fence: work}]\nblock_time: {full: 300ms, quick: 100ms}\n```\n")
            f.file("c.md", body.encode())
            f.nb("trust", "c.md", check=0)
            f.nb("run", "--quick", "--confine", "c.md", check=0)
            assert b"code was confined: no new privileges, no sockets but Unix ones" in f.read("c.md"), f.read("c.md")
            left = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("nb-confined-")]
            assert not left, left
            done = f.nb("bench", "--confine", "--budget", "300ms", "--export", "md", "touch escaped || true", check=0)
            assert b"code was confined" in done.stdout and not os.path.exists(os.path.join(f.path, "escaped")), done.stdout

    def without_a_state_folder_nothing_is_trusted():
        with Person() as f:
            text, marker = touching(f)
            f.file("c.md", text)
            bare = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_STATE_HOME")}
            done = f.nb("trust", "c.md", check=1, env=bare)
            assert b"no-state-folder" in done.stderr and b"--trust" in done.stderr, done.stderr
            f.nb("run", "--quick", "c.md", check=1, env={**bare, "XDG_STATE_HOME": "relative"})
            assert not os.path.exists(marker)
            f.nb("run", "--quick", "--trust", "c.md", check=0, env=bare)

    return [
        commands_of_a_notebook_need_trust, trust_is_kept_by_prose_and_lost_by_code, trust_is_of_one_place_and_never_in_the_project,
        a_script_that_a_command_names_is_part_of_it, setup_prepare_and_options_are_executed_too, unused_code_is_not_asked_about,
        an_own_edit_is_confirmed_once_at_a_terminal, the_shipped_course_is_trusted_as_it_came, real_components_need_trust,
        statements_of_a_block_reach_no_other_file, targets_of_a_course_count_once_trusted, what_is_shown_is_what_runs,
        confined_code_is_said_in_the_result, without_a_state_folder_nothing_is_trusted,
    ]
