"""Every comparison of the course with its arms swapped, and with a candidate that is the baseline: what was faster is then slower by
the same factor, and a candidate that changes nothing never wins.

Each comparing block of days 1–10 is taken out of its lesson, without what it expects, and put beside its swapped and its null form
into a notebook of its own. All of these are planned in every run of the tests; a count and a time are measured. The rest is measured
with NB_ALL_COMPARISONS=1 (in full; NB_COMPARISONS=day06,day07 chooses lessons, NB_COMPARISONS_TABLE=FILE keeps the figures).
"""
import json
import math
import os
import re
import subprocess

from lessons import DAYS, FENCE, block_id, code_name, copy_course, is_perf, keys_of, text_of

ALL = os.environ.get("NB_ALL_COMPARISONS") == "1"
OPPOSITE = {"faster": "slower", "slower": "faster", "better": "worse", "worse": "better"}
JUDGING = ("thresholds", "expect", "gate", "plots", "fit", "title")


def flow_items(text):
    """The items of a flow sequence or of block sequence lines, as they are written."""
    items, depth, start = [], 0, None
    for i, letter in enumerate(text):
        if letter in "{[":
            if depth == 0:
                start = i
            depth += 1
        elif letter in "}]":
            depth -= 1
            if depth == 0:
                items.append(text[start : i + 1])
    return items


def name_in(arm):
    for key in ("name", "fence", "builtin"):
        found = re.search(rf"\b{key}: *'?\"?([\w-]+)", arm)
        if found:
            return found.group(1)
    raise AssertionError(f"an arm without a name: {arm}")


def named(arm, name):
    if re.search(r"\bname:", arm):
        return re.sub(r"\bname: *('[^']*'|\"[^\"]*\"|[\w-]+)", f"name: {name}", arm, count=1)
    return arm[:-1] + f", name: {name}}}"


class Comparison:
    """A comparing block of a lesson, read as text: baseline, candidates, and all that is not of them."""

    def __init__(self, day, fence):
        self.day, self.id = day, block_id(fence)
        self.keys = {key: lines for key, lines in keys_of(fence["text"]).items() if key not in JUDGING}
        compare = self.keys["compare"]
        self.sequential = "order: sequential" in compare
        self.is_bench = "subjects" in self.keys
        if self.is_bench:
            written = self.keys["subjects"].split(":", 1)[1].strip()
            subjects = flow_items(written.strip("[]") if written.startswith("[") else written)
            self.arms = {name_in(subject): subject for subject in subjects}
            self.baseline = re.search(r"baseline: *([\w-]+)", compare).group(1)
        else:
            lines = compare.splitlines()
            base = next(line for line in lines if line.strip().startswith("baseline:")).split(":", 1)[1].strip()
            arms = [base] + [line.strip()[2:] for line in lines if line.startswith("    - ")]
            self.arms = {name_in(arm): arm for arm in arms}
            self.baseline = name_in(base)
        self.candidates = [name for name in self.arms if name != self.baseline]
        assert self.candidates, (day, self.id)

    def form(self, id, baseline, candidates):
        """The block with these arms, each as (name, text)."""
        keys = dict(self.keys, id=f"id: {id}\n")
        arms = [baseline] + candidates
        if self.is_bench:
            keys["subjects"] = "subjects:\n" + "".join(f"  - {text}\n" for _, text in arms)
            others = re.sub(r"candidates: *\[[^\]]*\],? *", "", self.keys["compare"])
            keys["compare"] = re.sub(r"baseline: *[\w-]+", f"baseline: {baseline[0]}, candidates: [{', '.join(name for name, _ in candidates)}]", others)
        else:
            kept = [line for line in self.keys["compare"].splitlines() if re.match(r"  (metric|order|runs):", line)]
            keys["compare"] = "\n".join(
                ["compare:", f"  baseline: {baseline[1]}", "  candidates:", *(f"    - {text}" for _, text in candidates), *kept]) + "\n"
        return "```perf\n" + "".join(keys.values()) + "```\n\n"

    def forms(self):
        """(id, Markdown) of the block as it is, swapped with each candidate, and null."""
        base = (self.baseline, self.arms[self.baseline])
        yield self.id, self.form(self.id, base, [(name, self.arms[name]) for name in self.candidates])
        for name in self.candidates:
            # Subjects that take turns with heavy ones find their caches colder, so a swapped bench keeps the company of all.
            others = [(other, self.arms[other]) for other in self.candidates if other != name] if self.is_bench else []
            yield f"{self.id}-swap-{name}", self.form(f"{self.id}-swap-{name}", (name, self.arms[name]), [base] + others)
        if not self.sequential:
            yield f"{self.id}-null", self.form(f"{self.id}-null", base, [("again", named(base[1], "again"))])


def comparisons(day):
    return [Comparison(day, fence) for fence in FENCE.finditer(text_of(day)) if is_perf(fence) and re.search(r"^compare:", fence["text"], re.M)]


def notebook(day, chosen=None):
    """Systems and fences of the lesson, and the forms of its comparing blocks."""
    text = f"# The arms of {day}, swapped and equal\n\n"
    seed = re.search(r"^seed: (\d+)", text_of(day), re.M).group(1)
    text += f"```perf\nkind: lesson\nid: {day}\nday: {int(day[3:])}\ntitle: Arms\nseed: {seed}\n```\n\n"
    for fence in FENCE.finditer(text_of(day)):
        if is_perf(fence) and re.search(r"^kind: system$", fence["text"], re.M) or not is_perf(fence) and code_name(fence):
            text += fence.group() + "\n\n"
    return text + "".join(form for one in comparisons(day) if chosen is None or one.id in chosen for _, form in one.forms())


def bounds(estimate):
    """An estimate's logarithm, with twice its interval: within this a repetition agrees."""
    value, low, high = estimate if isinstance(estimate, list) else (estimate, estimate, estimate)
    if not value > 0 or not low > 0:
        return None
    return math.log(value) - 2 * (math.log(value) - math.log(low)), math.log(value) + 2 * (math.log(high) - math.log(value))


def judged(day, cells, chosen=None):
    """A line for each comparison, what is wrong, and where a candidate that is the baseline was found to be another."""
    lines, wrong, different = [], [], []

    def read(id):
        cell = cells.get(id)
        if cell is None:  # INVALID where nothing was kept from before
            lines.append(f"{day}/{id}: no result")
            return {}
        if cell.get("validity") == "INVALID" or cell.get("failure"):
            return {}
        return {(one["candidate"], json.dumps(one.get("at"), sort_keys=True)): (one["ratio"][one["metric"]], one["verdict"]) for one in cell["comparisons"]}

    for one in comparisons(day):
        if chosen is not None and one.id not in chosen:
            continue
        found = read(one.id)
        for name in one.candidates:
            swapped = read(f"{one.id}-swap-{name}")
            for (candidate, at), (ratio, verdict) in found.items():
                if candidate != name or (one.baseline, at) not in swapped:
                    continue
                back, reverse = swapped[one.baseline, at]
                place = f"{day}/{one.id} {name}{'' if at == 'null' else ' ' + at}"
                lines.append(f"{place}: {verdict} {ratio}, swapped {reverse} {back}")
                if one.sequential:
                    continue  # day 5 shows with these that the order decides; there is nothing to invert
                if verdict in OPPOSITE and reverse == verdict:
                    wrong.append(f"{place}: {verdict} both ways")
                mine, other = bounds(ratio), bounds(back)
                if mine and other and (mine[0] > -other[0] or mine[1] < -other[1]):
                    wrong.append(f"{place}: {ratio} one way and {back} the other")
        if not one.sequential:
            for (_, at), (ratio, verdict) in read(f"{one.id}-null").items():
                lines.append(f"{day}/{one.id} null{'' if at == 'null' else ' ' + at}: {verdict} {ratio}")
                if verdict in OPPOSITE:
                    different.append((one.id, verdict))
    return lines, wrong, different


def tests(Folder):
    def measured(f, day, chosen=None, quick=True, again=True):
        copy_course(f.path)
        f.file("arms.md", notebook(day, chosen).encode())
        words = ["run", "--trust", "--no-html", "arms.md"] + ["--quick"] * quick
        done = subprocess.run([Folder.program, *words], cwd=f.path, capture_output=True, stdin=subprocess.DEVNULL, timeout=900)
        assert done.returncode in (0, 1, 2, 3), done.stderr.decode()[-2000:]
        cells = {cell["id"]: cell for cell in json.loads(f.read("results/arms.json"))["cells"]}
        lines, wrong, different = judged(day, cells, chosen)
        # An interval of 95 % excludes the truth once in twenty, and there are fifty of them: what is there is found again.
        for id, verdict in different if again else []:
            for _ in range(2):
                with Folder() as g:
                    more, _, found = measured(g, day, [id], quick, again=False)
                lines += [f"{line} (again)" for line in more]
                if (id, verdict) in found:
                    wrong.append(f"{day}/{id}: a candidate that is the baseline is {verdict}, and was again: {lines}")
                    break
        if not again:
            return lines, wrong, different
        for line in lines:
            print("        " + line, flush=True)
        if os.environ.get("NB_COMPARISONS_TABLE"):
            with open(os.environ["NB_COMPARISONS_TABLE"], "a", encoding="utf-8") as table:
                table.write("\n".join(lines + [f"WRONG: {one}" for one in wrong]) + "\n")
        return lines, wrong

    def comparisons_can_be_turned_round():
        """All are planned, and none of their forms is a mistake."""
        with Folder() as f:
            copy_course(f.path)
            count = 0
            for day in DAYS:
                found = comparisons(day)
                count += len(found)
                f.file("arms.md", notebook(day).encode())
                done = f.nb("check", "arms.md")
                assert b" error: " not in done.stdout + done.stderr, (day, (done.stdout + done.stderr).decode()[-3000:])
                listed = f.nb("status", "--json", "arms.md").stdout
                for one in found:
                    for id, _ in one.forms():
                        assert f'"{id}"'.encode() in listed, (day, id)
            assert count >= 40, count

    def swapped_arms_invert_and_a_null_candidate_never_wins():
        wrong, count = [], 0
        if ALL:
            for day in os.environ.get("NB_COMPARISONS", ",".join(DAYS)).split(","):
                with Folder() as f:
                    lines, found = measured(f, day, quick=False)
                    count, wrong = count + len(lines), wrong + found
        else:
            for day, chosen in (("day05", ["creep"]), ("day08", ["stampede"])):
                with Folder() as f:
                    lines, found = measured(f, day, chosen)
                    count, wrong = count + len(lines), wrong + found
            assert count >= 3, count  # a busy machine may take one of the loads
        assert not wrong, wrong

    return [comparisons_can_be_turned_round, swapped_arms_invert_and_a_null_candidate_never_wins]
