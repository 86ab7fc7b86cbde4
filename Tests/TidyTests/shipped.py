#!/usr/bin/env python3
"""The list of what the shipped course executes, which nb has compiled in, is the one that the course has.

Usage: shipped.py NB [--update]     says whether they are the same; with --update makes them so (and nb must be built again)
"""
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "Sources", "Trust", "Shipped", "course.txt")


def executed(nb):
    apart = ("optimization-log.md", "glossary.md")
    books = [p for p in glob.glob(os.path.join(ROOT, "Notebooks", "*.md")) + glob.glob(os.path.join(ROOT, "Notebooks", "internals", "*.md"))
             if os.path.basename(p) not in apart]
    done = subprocess.run([nb, "trust", "--digests", *sorted(books)], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def is_true(nb):
    with open(LIST, encoding="utf-8") as file:
        return file.read() == executed(nb)


if __name__ == "__main__":
    program = os.path.abspath(sys.argv[1])
    if "--update" in sys.argv:
        # Opened only when it is known: a notebook with an error must not cost the list.
        listed = executed(program)
        with open(LIST, "w", encoding="utf-8") as file:
            file.write(listed)
    else:
        sys.exit(0 if is_true(program) else 1)
