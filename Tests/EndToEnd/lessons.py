"""The course in a folder of its own, and lessons that are changed as a learner or a tester changes them."""
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
COURSE = os.path.join(HERE, "..", "..", "Notebooks")
DAYS = [f"day{day:02}" for day in range(1, 11)]

# A fence as it stands in a notebook: its marks, what is said of it, its text.
FENCE = re.compile(r"^(?P<mark>`{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=mark)[ \t]*$", re.M | re.S)


def text_of(day):
    with open(os.path.join(COURSE, f"{day}.md"), encoding="utf-8") as file:
        return file.read()


def copy_course(path):
    """All that lessons read; neither stores nor pages."""
    for name in ("data", "market", "results"):
        shutil.copytree(os.path.join(COURSE, name), os.path.join(path, name), dirs_exist_ok=True)
    for name in os.listdir(COURSE):
        if name.endswith((".md", ".yml")):
            shutil.copy(os.path.join(COURSE, name), path)
    if not os.path.exists(os.path.join(path, "Themes")):
        os.symlink(os.path.join(COURSE, "..", "Themes"), os.path.join(path, "Themes"))


def block_id(fence):
    found = re.search(r"^id: *['\"]?([a-z0-9-]+)", fence["text"], re.M)
    return found and found.group(1)


def is_perf(fence):
    return fence["info"].split()[:1] == ["perf"]


def code_name(fence):
    return next((word[1:] for word in fence["info"].split() if word.startswith("#")), None)


def keys_of(yaml):
    """The block's own keys in order, each with its lines."""
    found = {}
    for part in re.split(r"^(?=[A-Za-z_])", yaml, flags=re.M):
        if ":" in part:
            found[part.split(":", 1)[0]] = part if part.endswith("\n") else part + "\n"
    return found


def edited(lesson, edits):
    """A lesson after the edits that a Markdown text shows: a perf fence names a block and the keys that are replaced in it, and a
    code fence replaces the one of its name. Prose may change around both, and the edits still fit."""
    for edit in FENCE.finditer(edits):
        perf = is_perf(edit)
        name = block_id(edit) if perf else code_name(edit)
        for fence in FENCE.finditer(lesson):
            if is_perf(fence) == perf and (block_id(fence) if perf else code_name(fence)) == name:
                break
        else:
            raise AssertionError(f"the lesson has no {'block' if perf else 'fence'} `{name}`")
        if perf:
            keys = keys_of(fence["text"])
            keys.update({key: lines for key, lines in keys_of(edit["text"]).items() if key != "id"})
            # `key:` alone takes the key out.
            text = "".join(lines for key, lines in keys.items() if lines.strip() != f"{key}:")
        else:
            text = edit["text"]
        assert text != fence["text"], f"`{name}` is as it was"
        lesson = lesson[: fence.start("text")] + text + lesson[fence.end("text") :]
    return lesson


def as_everybody():
    """In a child: without the priority that whoever measures may have given to the tests."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Hogs:
    """Programs that keep every processor of a small machine busy."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        self.running = [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=as_everybody) for _ in range(self.count)]

    def __exit__(self, *_):
        for one in self.running:
            one.kill()
            one.wait()


def objects(output):
    return [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
