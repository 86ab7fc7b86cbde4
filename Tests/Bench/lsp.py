#!/usr/bin/env python3
"""How long a keystroke in a long notebook takes until its diagnostics are there, over the same pipes as an editor.

Usage: lsp.py path/to/nb [--keys 200] [--lines 3000]
Makes one notebook out of the course's lessons, ids made unique by the server's own renaming, types into it all over, and prints median, p95 and
maximum. Every twentieth text is also given to `nb check`: the answers must be the same.
"""
import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "Tests", "EndToEnd"))
import language_server  # noqa: E402


def offset(text, position):
    """Of a position in UTF-16 units; the notebooks end their lines with \\n."""
    start = 0
    for _ in range(position["line"]):
        start = text.index("\n", start) + 1
    units, i = 0, start
    while units < position["character"]:
        units += 2 if ord(text[i]) > 0xFFFF else 1
        i += 1
    return i


def applied(text, edits):
    for edit in sorted(edits, key=lambda e: (e["range"]["start"]["line"], e["range"]["start"]["character"]), reverse=True):
        text = text[:offset(text, edit["range"]["start"])] + edit["newText"] + text[offset(text, edit["range"]["end"]):]
    return text


def unique(client, path, text, suffix):
    """The lesson with a suffix on the id of every block, by the server's renaming."""
    uri, _ = client.open(path, text)
    version = 1
    for found in re.findall(r"^id: ([a-z][a-z0-9-]*)$", text, re.M):
        place = language_server.at(text, "\nid: %s\n" % found, 5)
        answer = client.answer(client.request("textDocument/rename", {
            "textDocument": {"uri": uri}, "position": place, "newName": found + suffix}))
        if "error" in answer:
            continue
        text = applied(text, answer["result"]["changes"][uri])
        version += 1
        client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]})
        client.findings(uri)
    client.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    client.findings(uri)
    return text


def notebook(nb, folder, lines):
    client = language_server.Client(nb, folder, {})
    parts, count = [], 0
    for day in (1, 4, 8, 5, 6, 7, 9, 2, 3, 10):
        path = os.path.join(folder, "day%02d.md" % day)
        text = open(path, encoding="utf-8").read()
        text = unique(client, path, text, "-d%d" % day)
        # One notebook has one lesson, and only its claims.
        if parts:
            text = re.sub(r"```perf\nkind: lesson\n.*?```\n", "", text, flags=re.S)
        parts.append(text)
        count += text.count("\n")
        if count >= lines:
            break
    client.end()
    return "\n".join(parts)


def check(nb, folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as out:
        out.write(text)
    done = subprocess.run([nb, "check", "--quiet", name], cwd=folder, capture_output=True)
    found = re.findall(r"^[^\n]*%s:(\d+):(\d+): (error|warning|note): .*\[([a-z0-9-]+)\]$" % re.escape(name), done.stderr.decode(), re.M)
    return sorted((int(line), int(column), severity, name) for line, column, severity, name in found)


def processor_time(pid):
    """Seconds that a process has had a CPU: what a busy machine does not add to."""
    fields = open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def planners(findings):
    """Without the rules about a whole lesson, which are `nb check`'s alone: an editor shows what the planner finds."""
    rules = set(re.findall(r'"([a-z-]+)"', open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Sources/CourseRules/DiagnosticIDs.swift")).read()))
    return [one for one in findings if one[3] not in rules]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("nb")
    options.add_argument("--keys", type=int, default=200)
    options.add_argument("--lines", type=int, default=3000)
    options = options.parse_args()
    nb = os.path.realpath(options.nb)
    folder = tempfile.mkdtemp(prefix="nb-lsp-")
    try:
        shutil.copytree(os.path.join(ROOT, "Notebooks"), folder, dirs_exist_ok=True)
        text = notebook(nb, folder, options.lines)
        dice = random.Random(20)
        client = language_server.Client(nb, folder, {})
        began = time.perf_counter()
        uri, items = client.open(os.path.join(folder, "long.md"), text)
        opened = time.perf_counter() - began
        print("%d lines, %d perf blocks, %d findings; opened in %.1f ms" % (
            text.count("\n") + 1, len(re.findall(r"^```perf", text, re.M)), len(items), 1e3 * opened))
        times, compared = [], 0
        typed = None
        spent = processor_time(client.process.pid)
        for key in range(options.keys):
            # A letter somewhere in a line, and the next key takes it away again.
            if typed is None:
                line = dice.randrange(text.count("\n"))
                start = offset(text, {"line": line, "character": 0})
                column = dice.randrange(text.index("\n", start) - start + 1)
                at = start + column
                place = {"line": line, "character": len(text[start:at].encode("utf-16-le")) // 2}
                change = {"range": {"start": place, "end": place}, "text": dice.choice("abcxyz :-")}
                text = text[:at] + change["text"] + text[at:]
                typed = (at, place)
            else:
                at, place = typed
                change = {"range": {"start": place, "end": {"line": place["line"], "character": place["character"] + 1}}, "text": ""}
                text = text[:at] + text[at + 1:]
                typed = None
            began = time.perf_counter()
            client.tell("textDocument/didChange", {"textDocument": {"uri": uri, "version": key + 2}, "contentChanges": [change]})
            told = client.findings(uri)
            times.append(1e3 * (time.perf_counter() - began))
            assert told["version"] == key + 2, told["version"]
            if key % 20 == 0:
                mine, theirs = language_server.published(told["diagnostics"], text), planners(check(nb, folder, "long.md", text))
                assert mine == theirs, [x for x in mine + theirs if (x in mine) != (x in theirs)][:5]
                compared += 1
        spent = 1e3 * (processor_time(client.process.pid) - spent) / len(times)
        client.end()
        times.sort()
        print("%d keystrokes: median %.1f ms, p95 %.1f ms, max %.1f ms until the diagnostics are there" % (
            len(times), statistics.median(times), times[int(0.95 * len(times))], times[-1]))
        print("%.1f ms of processor time each; load average of the machine %.1f" % (spent, os.getloadavg()[0]))
        print("%d texts compared with nb check: the same findings" % compared)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
