"""What an author types: nb new, check, status, fmt, mv, schema, and grade of what a learner made of it."""
import glob
import json
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

COURSE = b"# a course\ntitle: T\nlessons: [day01, day27]  # kept\n"

# The lab's own loop: short, and no code that would have to be trusted.
SPIN = b"""# Spin

```perf
kind: bench
id: spin
subjects: [{builtin: spin}]
block_time: {full: 300ms, quick: 100ms}
```

It takes {{ spin.time }}.
"""


def perf_blocks(text):
    """Bodies of the perf fences at the margin, as `nb` takes them."""
    return [found.group(2) for found in re.finditer(r"^(`{3,})perf\n(.*?)^\1\s*$", text, re.M | re.S)]


def tests(Folder):
    def course(f, **files):
        os.makedirs(os.path.join(f.path, "Notebooks"))
        f.file("Notebooks/course.yml", COURSE)
        for name, data in files.items():
            f.file(f"Notebooks/{name}.md", data)

    def new_writes_a_lesson_that_runs_and_says_what_is_left():
        with Folder() as f:
            course(f)
            f.nb("new", "day26", 'Back "pressure": a \\ story', check=0)
            listed = f.read("Notebooks/course.yml")
            assert listed == COURSE.replace(b"day01, day27", b"day01, day26, day27"), listed
            found = [json.loads(line) for line in f.nb("check", "--format", "json", "day26.md", check=0).stdout.splitlines()]
            assert found and {one["id"] for one in found} == {"unfinished"}, {one["id"] for one in found}
            assert all(one["severity"] == "warning" and one["message"] and one["line"] > 0 for one in found)
            f.nb("check", "--strict", "day26.md", check=1)
            f.nb("run", "--quick", "day26.md", check=None)
            blocks = [json.loads(line) for line in f.nb("status", "--json", "day26.md", check=0).stdout.splitlines()]
            assert len(blocks) == 9 and {one["state"] for one in blocks} <= {"current", "invalid", "failed", "stale"}, blocks
            graded = [json.loads(line) for line in f.nb("grade", "--json", "day26.md").stdout.splitlines()]
            assert [one["state"] for one in graded] == ["fail"], graded
            # day01 and day27 are listed and not written; the new lesson's page is there all the same.
            f.nb("build")
            assert os.path.exists(os.path.join(f.path, "_site/day26.html"))

    def new_refuses_to_overwrite_and_says_why():
        with Folder() as f:
            course(f, day26=b"mine\n")
            refused = f.nb("new", "day26", "X", check=1).stderr.decode()
            assert "[file-exists]" in refused and f.read("Notebooks/day26.md") == b"mine\n" and f.read("Notebooks/course.yml") == COURSE
            for name in ("Day26", "day", "../day26", "day26x"):
                assert "[bad-name]" in f.nb("new", name, "X", check=1).stderr.decode(), name
            f.nb("new", "day28", "  ", check=1)

    def check_strict_refuses_what_must_not_be_published():
        with Folder() as f:
            f.file("spin.md", SPIN)
            f.nb("check", "spin.md", check=0)
            ids = {json.loads(line)["id"] for line in f.nb("check", "--strict", "--format", "json", "spin.md", check=1).stdout.splitlines()}
            assert ids == {"not-measured", "unmeasured-value"}, ids
            f.nb("run", "--quick", "spin.md", check=0)
            f.nb("check", "--strict", "spin.md", check=0)
            f.file("spin.md", f.read("spin.md").replace(b"{builtin: spin}", b"{builtin: spin, name: other}").replace(b"spin.time", b"spin.other.time"))
            ids = {json.loads(line)["id"] for line in f.nb("check", "--strict", "--format", "json", "spin.md", check=1).stdout.splitlines()}
            assert ids == {"stale-result", "stale-value"}, ids

    def check_speaks_sarif():
        with Folder() as f:
            f.file("bad one.md", "# Ä\n\n[a link](gone.md), Ä [another](gone2.md)\n\n```perf\nkind: laod\nid: a\n```\n".encode())
            log = json.loads(f.nb("check", "--format", "sarif", "bad one.md", check=1).stdout)
            assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
            run, = log["runs"]
            rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
            assert len(set(rules)) == len(rules) and all(rule["help"]["text"] for rule in run["tool"]["driver"]["rules"])
            for result in run["results"]:
                assert rules[result["ruleIndex"]] == result["ruleId"] and result["level"] in ("error", "warning", "note")
                place = result["locations"][0]["physicalLocation"]
                assert place["artifactLocation"]["uri"] == "bad%20one.md", place
            second = [r for r in run["results"] if "gone2.md" in r["message"]["text"]][0]["locations"][0]["physicalLocation"]["region"]
            # Characters, not bytes: the line holds an Ä before it.
            line = "[a link](gone.md), Ä [another](gone2.md)"
            assert second == {"startLine": 3, "startColumn": line.index("gone2") + 1, "endLine": 3, "endColumn": line.index("gone2") + 9}, second

    def check_uses_again_only_what_has_not_changed():
        with Folder() as f:
            course(f)
            f.file("Notebooks/course.yml", b"title: T\nlessons: [day03, day04]\nmoney: {sessions_per_day: 100}\n")
            os.makedirs(os.path.join(f.path, "Notebooks/market"))
            fact = b"facts:\n  - {id: a, statement: s, value: 1 USD/h, as_of: 2026-06-17, source: x, source_kind: secondary, ttl_days: 180, used_by: [day03]}\n"
            f.file("Notebooks/market/facts.yml", fact)
            f.file("Notebooks/rows.csv", b"a\n1\n")
            text = b"""# Day 3\n\n```perf\nkind: lesson\nid: day03\nday: 3\ntitle: T\n```\n\n{{ market day03 }}\n\n[next](other.md#part)\n\n```perf
kind: load\nid: a\nuses: shop\nexecutor: shared-iterations\nvus: 1\niterations: 5\ndata: {csv: rows.csv}\nscenario: [{get: "/product/{id}", key: {dist: uniform, n: 10}}]
block_time: {full: 1s, quick: 1s}\n```\n
```perf\nkind: check\nid: exercise\ngate: ['a.mean<=1s']\n```\n\n## 5. End\n\n### Tomorrow\n"""
            f.file("Notebooks/day03.md", text)
            f.file("Notebooks/other.md", b"# Part\n")

            def check(*more, **env):
                environment = dict(os.environ, NB_TODAY="2026-11-23", **env)
                warm = f.nb("check", "--format", "json", *more, env=environment).stdout
                cold = f.nb("check", "--format", "json", "--no-cache", *more, env=environment).stdout
                assert warm == cold, (warm, cold)
                return warm

            first = check()
            assert os.path.exists(os.path.join(f.path, ".nb/check.json"))
            before = f.read(".nb/check.json")
            assert check() == first and f.read(".nb/check.json") == before, "nothing changed, nothing written"
            # Each input, one after the other, changes what is found, and the cache does not hide it.
            seen = [first]

            def changes(what):
                now = check()
                assert now != seen[-1], what
                seen.append(now)

            f.file("Notebooks/other.md", b"# Another part\n")
            changes("a heading that a link leads to")
            f.file("Notebooks/rows.csv", b"")
            changes("a data file")
            f.file("Notebooks/market/facts.yml", fact.replace(b"180", b"10"))
            changes("a fact")
            f.file("Notebooks/day04.md", b"# Day 4\n")
            changes("the next lesson is written")
            f.file("Notebooks/day03.md", text + b"\nTODO: more\n")
            changes("the notebook")
            f.file("Notebooks/budgets.yml", b"- nonsense\n")
            changes("the budgets")
            # The day matters where a fact's age does.
            f.file("Notebooks/market/facts.yml", fact)
            young = f.nb("check", "--format", "json", env=dict(os.environ, NB_TODAY="2026-11-23")).stdout
            old = f.nb("check", "--format", "json", env=dict(os.environ, NB_TODAY="2027-11-23")).stdout
            assert young != old and b"stale-fact" in old

    def status_names_what_changed():
        with Folder() as f:
            f.file("spin.md", SPIN.replace(b"subjects: [{builtin: spin}]", b"subjects: [{fence: loop}]") + b"""
```c #loop
long subject(long n) { long s = 0; for (long i = 0; i < 1000; i++) s += i; return s; }
```
""")
            def state():
                one, = [json.loads(line) for line in f.nb("status", "--json", "spin.md", check=0).stdout.splitlines()]
                return one
            assert (state()["state"], state()["reasons"]) == ("never run", [])
            f.nb("run", "--quick", "--trust", "spin.md", check=0)
            assert (state()["state"], state()["quick"], state()["notes"]) == ("current", True, [])
            text = f.read("spin.md")
            f.file("spin.md", text.replace(b"i < 1000", b"i < 1001"))
            assert (state()["state"], state()["reasons"]) == ("stale", ["its fence `loop` was changed"]), state()
            f.file("spin.md", text.replace(b"subjects: [{fence: loop}]", b"subjects: [{fence: loop, n: 5}]"))
            assert state()["reasons"] == ["the block was edited"], state()
            f.file("spin.md", text.replace(b"kind: bench\nid: spin", b"# a comment\nid: spin\nkind: bench\ntitle: other"))
            assert state()["state"] == "current", "neither order, comments nor a title are part of the question"
            f.file("spin.md", text.replace(b"*evidence", b"*EVIDENCE"))
            assert state()["notes"] == ["its results were edited by hand"], state()

    def schema_accepts_every_block_and_no_typical_mistake():
        with Folder() as f:
            schema = json.loads(f.nb("schema", check=0).stdout)
            assert f.nb("schema", "--reference", check=0).stdout.startswith(b"# Reference: perf blocks")
            try:
                import jsonschema
                import yaml
            except ImportError:
                print("        (skipped: python's jsonschema and yaml are not installed)")
                return
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            count = 0
            for pattern in ("Notebooks/*.md", "Notebooks/internals/*.md", "Tests/Golden/Succeed/*/input.md"):
                for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
                    for body in perf_blocks(open(path).read()):
                        count += 1
                        errors = [error.message for error in validator.iter_errors(yaml.safe_load(body))]
                        assert not errors, (path, body[:200], errors)
            assert count > 250, count
            load = "kind: load\nid: a\nuses: shop\nexecutor: constant-arrival-rate\nrate: 40rps\nduration: 1s\nscenario: [{get: /}]\n"
            assert not list(validator.iter_errors(yaml.safe_load(load)))
            for wrong in ("", "kind: laod\nid: a\n", "id: a\n", load.replace("rate:", "raet:"), load.replace("40rps", "40"), load.replace("1s", "1 second"),
                          load.replace("uses: shop\n", ""), load.replace("constant-arrival-rate", "constant-rate"), load + "vus: 0\n", load + "cookies: yes please\n",
                          load.replace("id: a", "id: A_1"), load + "thresholds: {mean: '<1ms'}\n", load + "block_time: {full: 1s}\n",
                          "kind: system\nid: s\norigin: {routes: {GET /: [{cash: {}}]}}\n", "kind: check\nid: c\n"):
                assert list(validator.iter_errors(yaml.safe_load(wrong))), wrong

    def fmt_lays_out_blocks_and_nothing_else():
        with Folder() as f:
            messy = SPIN.replace(b"id: spin", b"id:   spin  ").replace(b"{full: 300ms, quick: 100ms}", b"{ full: 300ms,quick: 100ms }")
            f.file("spin.md", messy)
            assert b"nb fmt spin.md" in f.nb("fmt", "--check", "spin.md", check=1).stderr and f.read("spin.md") == messy
            shown = f.nb("fmt", "--diff", "spin.md", check=0).stdout.decode()
            assert "-id:   spin  \n" in shown and "+id: spin\n" in shown and f.read("spin.md") == messy
            f.nb("fmt", "spin.md", check=0)
            assert f.read("spin.md") == SPIN
            f.nb("fmt", "--check", "spin.md", check=0)

    def mv_renames_a_block_everywhere_and_nothing_gets_stale():
        with Folder() as f:
            shutil.copytree(os.path.join(ROOT, "Notebooks"), os.path.join(f.path, "Notebooks"))
            f.file("Notebooks/link.md", b"# L\n\n[r](day08.md#result-onoff), `nb explain day08.md#onoff`, day08.md#onoff-not\n")
            before = f.nb("check", "--format", "json", "--strict").stdout
            refused = f.nb("mv", "day08.md#onoff", "stampede", check=1).stderr
            assert b"[duplicate-block]" in refused
            assert b"did you mean" in f.nb("mv", "day08.md#onof", "x", check=1).stderr
            text = f.read("Notebooks/day08.md")
            shown = f.nb("mv", "day08.md#onoff", "with-cache", "--dry-run", check=0).stdout.decode()
            assert "+id: with-cache\n" in shown and "--- Notebooks/budgets.yml" in shown and "--- Notebooks/optimization-log.md" in shown
            assert f.read("Notebooks/day08.md") == text
            log = f.read("Notebooks/optimization-log.md")
            f.nb("mv", "day08.md#onoff", "with-cache", check=0)
            now = f.read("Notebooks/day08.md")
            assert b"onoff" not in now, now[max(0, now.find(b"onoff") - 60):][:120]
            assert f.read("Notebooks/link.md") == b"# L\n\n[r](day08.md#result-with-cache), `nb explain day08.md#with-cache`, day08.md#onoff-not\n"
            assert b"day08/with-cache.ratio.mean" in f.read("Notebooks/budgets.yml")
            assert f.read("Notebooks/optimization-log.md").startswith(log), "a journal is not rewritten"
            # Systems, the learner's block and what reads it, a profile's fence block, a block of an exercise with a hidden fault.
            for block, name in (("day08.md#shop", "store"), ("day09.md#mine", "yours"), ("day09.md#exercise", "task"), ("day01.md#base", "first"),
                                ("day02.md#shop", "store"), ("day02.md#traffic", "flow"), ("day06.md#mine", "yours"), ("day10.md#headroom", "law")):
                f.nb("mv", block, name, check=0)
            blocks = [json.loads(line) for line in f.nb("status", "--json", check=0).stdout.splitlines()]
            wrong = [one for one in blocks if one["state"] != "current" or one["notes"]]
            assert not wrong, wrong
            assert {"with-cache", "yours", "task", "first", "flow", "law"} <= {one["block"] for one in blocks}
            after = f.nb("check", "--format", "json", "--strict").stdout

            def told(found):
                return sorted((one["id"], one["file"]) for one in map(json.loads, found.splitlines()))
            assert told(after) == told(before), (told(after), told(before))
            # Back again: the very same notebooks and results, but for the journal.
            for block, name in (("day08.md#with-cache", "onoff"), ("day08.md#store", "shop"), ("day09.md#yours", "mine"), ("day09.md#task", "exercise"),
                                ("day01.md#first", "base"), ("day02.md#store", "shop"), ("day02.md#flow", "traffic"), ("day06.md#yours", "mine"), ("day10.md#law", "headroom")):
                f.nb("mv", block, name, check=0)
            for path in glob.glob(os.path.join(ROOT, "Notebooks/**/*"), recursive=True):
                relative = os.path.relpath(path, ROOT)
                if os.path.isfile(path) and not relative.endswith("optimization-log.md"):
                    assert f.read(relative) == open(path, "rb").read(), relative

    def grade_counts_attempts_shows_hints_and_reports():
        with Folder() as f:
            text = b"""# Exercise

```perf
kind: bench
id: mine
subjects: [{fence: slow}, {fence: fast}]
compare: {baseline: slow, candidates: [fast], pairs: 12}
block_time: {full: 1s, quick: 500ms}
```

```c #slow
long subject(long n) { volatile long s = 0; for (long i = 0; i < 200000; i++) s += 1; return s; }
```

```c #fast edit
long subject(long n) { volatile long s = 0; for (long i = 0; i < 200000; i++) s += 1; return s; }
```

```perf
kind: check
id: exercise
title: Three times as fast
gate: ['mine.ratio.time>=3', 'mine.parity==true']
hint_after: 2
hints:
  - The sum is known before the loop.
  - Multiply.
```
"""
            f.file("ex.md", text)
            for words in (["init", "-q"], ["add", "ex.md"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "handed out"]):
                subprocess.run(["git", *words], cwd=f.path, check=True, capture_output=True)

            def grade(code, body=None, *more):
                if body is not None:
                    now = f.read("ex.md")
                    start = now.index(b"```c #fast edit\n") + len(b"```c #fast edit\n")
                    f.file("ex.md", now[:start] + body + b"\n" + now[now.index(b"```", start):])
                return f.nb("grade", "--run", "--quick", "--trust", "--report", "ada.json", *more, "ex.md", check=code)

            f.nb("grade", "ex.md", check=1)
            assert json.loads(f.read(".nb/progress.json"))["exercises"]["ex/exercise"]["attempts"] == 0, "not measured is no attempt"
            first = grade(2)
            assert b"a hint comes after 1 more failed attempt" in first.stderr and b"The sum" not in first.stderr, first.stderr
            again = grade(2)
            assert b"at attempt 1" in again.stderr, "the same notebook judged again is no new attempt"
            # Faster and different: correctness comes first.
            wrong = grade(2, b"long subject(long n) { return 1; }")
            assert b"correctness comes first" in wrong.stdout and b"hint 1 of 2: The sum" in wrong.stderr and b"hint 2" not in wrong.stderr, (wrong.stdout, wrong.stderr)
            assert b"+long subject(long n) { return 1; }" in wrong.stdout, "what the learner changed is shown"
            right = grade(0, b"long subject(long n) { return 200000; }", "--learner-seed", "7")
            assert b"hint" not in right.stderr, right.stderr
            shown = f.read("ex.md").split(b"<!-- nb:result exercise ")[1].split(b"<!-- nb:end")[0]
            assert b"| `mine.parity==true` | 1 |" in shown, "the exercise shows what was judged last"
            report = json.loads(f.read("ada.json"))
            one, = report["exercises"]
            assert (report["learnerSeed"], one["verdict"], one["attempts"], one["failedAttempts"]) == (7, "pass", 3, 2), one
            ratio = one["gates"][0]["measured"]["estimate"]
            assert len(ratio) == 3 and ratio[1] <= ratio[0] <= ratio[2] and ratio[1] >= 3, ratio
            assert len(report["notebooks"][0]["digest"]) == 32 and report["machine"]["cores"] and one["edits"][0]["part"] == "#fast", report
            assert one["passed"] == report["date"]
            # The progress file of another program is not written over.
            f.file(".nb/progress.json", b"mine")
            assert b"[bad-progress]" in f.nb("grade", "ex.md", check=1).stderr and f.read(".nb/progress.json") == b"mine"

    def a_report_says_nothing_of_what_is_hidden():
        with Folder() as f:
            import learner
            f.file("h.md", learner.NOTEBOOK + learner.EXERCISE.replace(b"GIVEN", b"service: catalog, attribute: tenant, value: t1"))
            f.nb("run", "--quick", "--only", "traffic", "h.md")
            f.nb("grade", "--report", "r.json", "--learner-seed", "3", "h.md")
            text = f.read("r.json").decode()
            for word in ("catalog", "pricing", "tenant", "t1", "fault"):
                assert word not in text, word

    def longer_measures_more_of_the_same():
        with Folder() as f:
            f.file("spin.md", SPIN.replace(b"subjects: [{builtin: spin}]", b"subjects: [{builtin: spin, name: a}, {builtin: spin, name: b}]\ncompare: {baseline: a, candidates: [b], pairs: 8}").replace(b"spin.time", b"spin.a.time"))
            f.nb("run", "--quick", "spin.md", check=0)
            inputs = f.read("spin.md")
            assert b"--longer" in f.nb("run", "--longer", "9", "spin.md").stderr
            f.nb("run", "--quick", "--longer", "2", "spin.md", check=0)
            mark = re.compile(rb"nb:result spin in=(\w+)")
            assert mark.search(inputs).group(1) == mark.search(f.read("spin.md")).group(1), "the question is the same"

    return [grade_counts_attempts_shows_hints_and_reports, a_report_says_nothing_of_what_is_hidden, longer_measures_more_of_the_same, fmt_lays_out_blocks_and_nothing_else, mv_renames_a_block_everywhere_and_nothing_gets_stale, new_writes_a_lesson_that_runs_and_says_what_is_left, new_refuses_to_overwrite_and_says_why, check_strict_refuses_what_must_not_be_published,
            check_speaks_sarif, check_uses_again_only_what_has_not_changed, status_names_what_changed, schema_accepts_every_block_and_no_typical_mistake]
