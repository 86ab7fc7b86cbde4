"""From a save to the new words on the open page: `nb serve` and Chromium, on the lesson of day 8.

    python3 Tests/Bench/reload.py .build/release/nb [--saves 12]

Needs playwright and chromium; skipped with a message without them. The page notes for itself when the words are there, so that the time
that asking it takes is not in the figure.
"""
import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

NOTEBOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Notebooks")
LOOK = """(word) => {
  window.seen = null;
  const look = () => document.body.textContent.includes(word) ? window.seen = performance.timeOrigin + performance.now() : requestAnimationFrame(look);
  look();
}"""


def wait(page, expression):
    for _ in range(500):
        if page.evaluate(expression):
            return
        time.sleep(0.02)
    raise AssertionError(f"never came: {expression}")


def measure(page, path, saves):
    text = open(path).read()
    times = []
    for i in range(saves):
        word = f"reloaded{i}"
        page.evaluate(LOOK, word)
        start = time.time() * 1e3
        open(path, "w").write(f"{text}\n\n{word}\n")
        wait(page, "window.seen !== null")
        times.append(page.evaluate("window.seen") - start)
        time.sleep(0.3)
    return times


def main():
    options = argparse.ArgumentParser()
    options.add_argument("nb")
    options.add_argument("--saves", type=int, default=12)
    options = options.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if not chromium:
        return print("skip: playwright or chromium is missing")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(NOTEBOOKS, os.path.join(folder, "Notebooks"))
        server = subprocess.Popen([os.path.realpath(options.nb), "serve", "--port", "0"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        try:
            address = re.search(r"http://\S+/", server.stdout.readline()).group()
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(address + "day08.html")
                wait(page, "!!window.nbPreview && window.nbPreview.build !== null")
                page.evaluate("scrollTo(0, 3000)")
                times = measure(page, os.path.join(folder, "Notebooks/day08.md"), options.saves)
                print(f"save to the new words on the page, ms: median {statistics.median(times):.0f}, max {max(times):.0f} of {len(times)}; "
                      f"scroll position kept: {page.evaluate('scrollY') == 3000}")
                browser.close()
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
