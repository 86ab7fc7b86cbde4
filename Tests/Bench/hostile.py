#!/usr/bin/env python3
"""Processor time and memory of nb on Markdown that is written to take them, beside the cmark program's.

Usage: hostile.py path/to/nb [BYTES] [COMMAND…]
Default: 1000000 bytes, `render`. A program is ended at 20 s. Exits with 1 when nb takes more than 2 s for a megabyte or less.
"""
import os
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "Tests/EndToEnd"))
import hostile_texts  # noqa: E402

NB = os.path.realpath(sys.argv[1])
SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
COMMAND = sys.argv[3:] or ["render"]
LIMIT = 20


def run(argv, folder):
    """Seconds of processor time, MiB at most, what it said; None: ended by the limit."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(write, 2)
        os.close(read)
        os.execv(argv[0], argv)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read(4096)
        while pipe.read(1 << 20):
            pass
    _, status, use = os.wait4(child, 0)
    seconds = use.ru_utime + use.ru_stime
    return (None if os.WIFSIGNALED(status) else seconds), use.ru_maxrss / 1024, said


def main():
    cmark = shutil.which("cmark")
    slow = []
    with tempfile.TemporaryDirectory(prefix="nb-hostile-") as folder:
        path = os.path.join(folder, "a.md")
        print(f"{SIZE} bytes, nb {' '.join(COMMAND)}\n{'family':<30}{'cmark s':>9}{'nb s':>8}{'nb MiB':>8}  nb says")
        for name in hostile_texts.FAMILIES:
            open(path, "wb").write(hostile_texts.text(name, SIZE))
            theirs = run([cmark, path], folder)[0] if cmark and COMMAND == ["render"] else 0
            ours, memory, said = run([NB, *COMMAND, path], folder)
            word = said.split(b"[", 1)[1].split(b"]", 1)[0].decode() if b"[" in said else ""
            if b"costly-markdown" in said:
                word = "costly-markdown"
            print(f"{name:<30}{'> ' + str(LIMIT) if theirs is None else format(theirs, '.2f'):>9}"
                  f"{'> ' + str(LIMIT) if ours is None else format(ours, '.2f'):>8}{memory:8.0f}  {word}", flush=True)
            if ours is None or (SIZE <= 1_000_000 and ours > 2):
                slow.append(name)
    if slow:
        sys.exit(f"too slow: {', '.join(slow)}")


main()
