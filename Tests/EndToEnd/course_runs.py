"""The time that a run's blocks took, and `make course` on a course of one lesson."""
import os
import re
import subprocess
import sys

from lessons import HERE

LESSON = b"""# One queue

```perf
kind: sim
id: queue
model: queue
params: {c: 4, rho: 0.8, customers: 5000}
replications: 4
block_time: {full: 5s, quick: 5s}
```
"""


def tests(Folder):
    def a_run_says_how_long_its_blocks_took():
        small = open(os.path.join(HERE, "small.md"), "rb").read()
        with Folder() as f:
            # No load is over within a millisecond.
            f.file("small.md", small.replace(b"block_time: {full: 1s, quick: 1s}", b"block_time: {full: 1ms, quick: 1ms}"))
            said = f.nb("run", "--quick", "small.md", check=0).stderr.decode()
            assert re.search(r"^the blocks took [\d.]+ m?s; compiling is not counted$", said, re.M), said
            assert re.search(r"^warning: `traffic` took [\d.]+ m?s and declares 1\.00 ms; shorten it", said, re.M) and "`pair` took" not in said, said

    def a_second_run_of_the_course_changes_no_notebook():
        with Folder() as f:
            f.file("day01.md", LESSON)
            words = [sys.executable, os.path.join(HERE, "..", "Course", "course.py"), Folder.program, f"--in={f.path}", "day01"]

            def run():
                done = subprocess.run(words, capture_output=True, text=True, timeout=60)
                assert done.returncode == 0, done.stdout + done.stderr
                return done.stdout

            first = run()
            assert "1 blocks,  0 agree" in first and "notebook changed" in first, first
            kept = f.read("day01.md")
            again = run()
            assert "1 blocks,  1 agree" in again and "notebook unchanged" in again and f.read("day01.md") == kept, again
            # A copy is run, and the course stays as it is.
            f.file("day01.md", LESSON)
            words.insert(3, "--quick")
            assert "of 10 s" in run() and f.read("day01.md") == LESSON

    return [a_run_says_how_long_its_blocks_took, a_second_run_of_the_course_changes_no_notebook]
