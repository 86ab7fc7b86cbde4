"""The lessons' predictions: nine in ten hold on the published results, and no tolerance is wider than the one the course was planned with."""
import re

from lessons import DAYS, copy_course, objects

# Day, block, quantity, the widest tolerance (a share of the value where it ends in %, percentage points in pp), and what was planned.
PLANNED = [
    ("day01", "little", "littles_ratio", "0.03", "in-flight against rate × mean: 1.00 ± 0.03"),
    ("day02", "who", "top.lift", "25%", "the guilty attribute's lift: 20–33"),
    ("day02", "where", "top.share", "10pp", "at least 90 % of the excess in one span"),
    ("day05", "floor", "ratio.time", "0.01", "the same code in turns: 0.99–1.01"),
    ("day05", "detect", "ratio.plus-5.time", "0.01", "an injected 5 %: ± 0.01"),
    ("day05", "history", "change_points", "0", "the change and no other"),
    ("day05", "history", "index", "1", "found at 41 ± 1"),
    ("day06", "growth", "recommend-slow.slope", "0.15", "2.0 ± 0.15"),
    ("day06", "growth", "recommend-fast.slope", "0.2", "1.0 ± 0.2"),
    ("day07", "pool", "mean", "8%", "a declared wait against its twin: within 8 %"),
    ("day07", "plan", "scans", "0", "the plan's own words"),
    ("day07", "plan", "searches", "0", "the plan's own words"),
    ("day08", "hit-curve", "hit_ratio", "2pp", "Che's approximation within 1–2 points"),
    ("day08", "popularity", "hit_ratio", "1pp", "a simulated LRU within 1 point"),
    ("day09", "batch", "fsyncs_per_msg", "0.000001", "one over the batch, exactly"),
]

PREDICTION = re.compile(r"(?P<metric>\S+) = (?P<value>.+?) ± (?P<tolerance>[\d.e+-]+) ?(?P<unit>%|pp|\S*)$")


def tests(Folder):
    def predictions_hold_within_the_planned_tolerances():
        with Folder() as f:
            copy_course(f.path)
            found = [(day, row) for day in DAYS for row in objects(f.nb("verify", "--json", f"{day}.md").stdout)]
        read = [(day, row["block"], row["prediction"], PREDICTION.fullmatch(row["prediction"])) for day, row in found]
        assert all(match for *_, match in read), [row for row in read if not row[3]]
        wide = []
        for day, block, metric, limit, planned in PLANNED:
            number, unit = re.fullmatch(r"([\d.]+)(%|pp|)", limit).groups()
            # Of every variant: `hit_ratio@s=0.7`, or `s-0.7.hit_ratio` of a simulation.
            own = [(text, match) for place, id, text, match in read
                   if (place, id) == (day, block) and ("." + match["metric"].split("@")[0]).endswith("." + metric)]
            assert own, f"{day}/{block} predicts no {metric}; planned: {planned}"
            for text, match in own:
                if match["unit"] != unit or float(match["tolerance"]) > float(number):
                    wide.append(f"{day}/{block}: {text}; planned: {planned}")
        assert not wide, wide
        missed = [f"{day}/{row['block']}: {row['prediction']}, {row['outcome']} at {row['measured']}" for day, row in found if row["outcome"] != "pass"]
        print(f"        {len(found) - len(missed)} of {len(found)} predictions hold", *missed, sep="\n        ")
        assert len(missed) <= 0.1 * len(found) and all(any(day == place for place, _ in found) for day in DAYS), missed

    return [predictions_hold_within_the_planned_tolerances]
