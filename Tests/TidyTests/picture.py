#!/usr/bin/env python3
"""The picture in the README is the plot that nb draws from the saved results of day 8, on white paper.

Usage: picture.py NB [--update]     says whether they are the same; with --update makes them so
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PICTURE = os.path.join(ROOT, "Notebooks", "results", "day08-hit-curve.svg")


def drawn(nb):
    """The plot of block hit-curve on the page of a fresh build; the checkout's own _site is left alone."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Notebooks", "Themes"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name))
        subprocess.run([nb, "build", "Notebooks"], cwd=folder, check=True, capture_output=True)
        with open(os.path.join(folder, "_site", "day08.html"), encoding="utf-8") as file:
            page = file.read()
    svg = re.search(r"<svg .*?</svg>\n", page[page.index('id="result-hit-curve"'):], re.S).group(0)
    # A README is read on dark paper too, where dark ink on nothing would vanish.
    return svg.replace(">\n", '>\n<rect width="100%" height="100%" fill="#fff"/>\n', 1)


def is_true(nb):
    try:
        with open(PICTURE, encoding="utf-8") as file:
            return file.read() == drawn(nb)
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    nb = os.path.abspath(sys.argv[1])
    if "--update" in sys.argv:
        with open(PICTURE, "w", encoding="utf-8") as file:
            file.write(drawn(nb))
    elif not is_true(nb):
        sys.exit("the README's picture is not the plot of the saved results; run `make update`")
