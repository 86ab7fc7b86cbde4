"""Every exercise of the course, solved rightly and wrongly: what is right never fails, and what is wrong never passes. Where the
machine is too busy to tell, *inconclusive* is a verdict that nobody can hold against a grader.

exercises/dayNN/ holds the solutions as edits of the lesson, each with its reason; lessons.py says how they are read. Cheap: one
right and one wrong of each day, quick.
NB_ALL_EXERCISES=1: all of them in full, and again beside two programs that never rest (NB_EXERCISES_HOGS=0: only without).
NB_EXERCISES=day05,day06 chooses days, NB_EXERCISES_TABLE=FILE keeps the verdicts.
"""
import os
import re
import subprocess
import time

from lessons import DAYS, HERE, Hogs, as_everybody, copy_course, edited, objects, text_of

FOLDER = os.path.join(HERE, "exercises")
ALL = os.environ.get("NB_ALL_EXERCISES") == "1"


def solutions(day):
    folder = os.path.join(FOLDER, day)
    return sorted(name.removesuffix(".md") for name in os.listdir(folder) if re.fullmatch(r"(right|wrong)-\d\.md", name))


def read(day, name):
    with open(os.path.join(FOLDER, day, f"{name}.md"), encoding="utf-8") as file:
        return file.read()


def verdict(states):
    """Of the gates' states, as `nb grade` itself counts."""
    if "fail" in states:
        return "fail"
    return "pass" if states == {"pass"} else "inconclusive"


def tests(Folder):
    def grade(f, day, name, quick, hogs):
        text = read(day, name)
        with open(os.path.join(f.path, f"{day}.md"), "w", encoding="utf-8") as file:
            file.write(edited(text_of(day), text))
        seed = re.search(r"^Learner's seed: (\d+)", text, re.M)
        words = ["grade", "--run", "--trust", "--json", f"{day}.md"] + ["--quick"] * quick + (["--learner-seed", seed.group(1)] if seed else [])
        began = time.monotonic()
        done = subprocess.run(
            [Folder.program, *words], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, timeout=600,
            preexec_fn=as_everybody if hogs else None)
        rows = objects(done.stdout)
        assert done.returncode in (0, 1, 2, 3) and rows, (day, name, done.returncode, done.stderr.decode()[-2000:])
        exercise = [row for row in rows if row["block"] == "exercise"]
        # A gate of another block is not the learner's.
        states = {row["state"] for row in exercise}
        assert not states - {"pass", "fail", "inconclusive", "notRun", "not run", "stale"}, states
        told = " ".join(f"{row['gate']}:{row['state']}({row.get('measured', '-')})" for row in exercise if row["state"] != "pass")
        assert not states & {"stale"}, (day, name, told, done.stderr.decode()[-2000:])
        return verdict(states), time.monotonic() - began, told, done.stderr.decode()

    def judge(days, names, quick, hogs):
        wrong, lines = [], []
        with Hogs(hogs):
            for day in days:
                with Folder() as f:
                    copy_course(f.path)
                    for name in names(day):
                        found, seconds, told, errors = grade(f, day, name, quick, hogs)
                        lines.append(f"{day} {name:8} {'two hogs' if hogs else 'quiet':8} {'quick' if quick else 'full':5} {found:12} {seconds:5.1f} s  {told}")
                        print("        " + lines[-1], flush=True)
                        if (name.startswith("right"), found) in ((True, "fail"), (False, "pass")):
                            wrong.append((day, name, found, told, errors[-600:]))
        if os.environ.get("NB_EXERCISES_TABLE"):
            with open(os.environ["NB_EXERCISES_TABLE"], "a", encoding="utf-8") as table:
                table.write("\n".join(lines) + "\n")
        assert not wrong, wrong

    def solutions_are_graded_rightly():
        chosen = os.environ.get("NB_EXERCISES", ",".join(DAYS)).split(",")
        for day in DAYS:
            names = solutions(day)
            assert sum(name.startswith("right") for name in names) >= 2 and sum(name.startswith("wrong") for name in names) >= 3, (day, names)
            for name in names:
                edited(text_of(day), read(day, name))
        if ALL:
            for hogs in os.environ.get("NB_EXERCISES_HOGS", "0,2").split(","):
                judge(chosen, solutions, quick=False, hogs=int(hogs))
        else:
            judge(chosen, lambda day: ["right-1", "wrong-1"], quick=True, hogs=0)

    return [solutions_are_graded_rightly]
