"""What the learner's seed chooses: `nb init`, a hidden fault that is another for another learner, results that read as stale and not as edited."""
import json
import os
import re
import shutil
import subprocess
import urllib.request

NOTEBOOK = b"""# One fault of eight

```perf
kind: system
id: checkout
telemetry: {logs: true, attributes: {tenant: header:X-Tenant, currency: header:X-Currency}}
hidden:
  stages: [catalog-fault, pricing-fault]
  values: {tenant: [t1, t2], currency: [EUR, USD]}
catalog:
  kind: origin
  routes:
    GET /item:
      - wait: {as: catalog-fault, mean: 120ms, stands_for: a far catalog}
      - bytes: {size: 100B}
pricing:
  kind: origin
  routes:
    GET /price:
      - wait: {as: pricing-fault, mean: 120ms, stands_for: a far price list}
      - bytes: {size: 10B}
```

```perf
kind: load
id: traffic
uses: checkout
executor: constant-vus
vus: 2
thinkTime: 50ms
duration: 2s
scenario: [{get: /price}]
expect:
  http_req_failed: {value: 0, tolerance: 1pp}
```
"""

EXERCISE = b"""
```perf
kind: check
id: exercise
answer: {of: checkout, GIVEN}
gate: ['answered==1', 'traffic.http_req_failed<=0.01']
```
"""

SERVICES, VALUES = ("catalog", "pricing"), [("tenant", "t1"), ("tenant", "t2"), ("currency", "EUR"), ("currency", "USD")]


def tests(Folder):
    def inputs(f, seed):
        return re.search(r"# inputs (\w+)", f.nb("explain", "hidden.md#traffic", "--learner-seed", str(seed), check=0).stdout.decode()).group(1)

    def two_seeds(f):
        """Of learners for whom another fault is chosen."""
        first = inputs(f, 1)
        return 1, next(seed for seed in range(2, 40) if inputs(f, seed) != first)

    def served_fault(f, *options):
        """The service, attribute and value that are slow, found by asking the lab itself."""
        process = subprocess.Popen([Folder.program, "lab", "serve", "hidden.md#checkout", *options], cwd=f.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            url = re.search(rb"http://\S+:\d+", process.stdout.readline()).group().decode()
            found = []
            for service, path in zip(SERVICES, ("/item", "/price")):
                for attribute, value in VALUES:
                    request = urllib.request.Request(url + path, headers={f"X-{attribute.capitalize()}": value})
                    urllib.request.urlopen(request, timeout=20).read()
            logs = json.loads(urllib.request.urlopen(url + "/_nb/telemetry/logs", timeout=20).read())
            for group in logs["resourceLogs"]:
                service = next(a["value"]["stringValue"] for a in group["resource"]["attributes"] if a["key"] == "service.name")
                for record in (record for scope in group["scopeLogs"] for record in scope["logRecords"]):
                    said = {a["key"]: next(iter(a["value"].values())) for a in record["attributes"]}
                    if said["nb.duration"] > 0.11:
                        found += [(service, name, said[name]) for name in ("tenant", "currency") if name in said]
            return found
        finally:
            process.terminate()
            process.wait()

    def init_keeps_the_learners_seed():
        with Folder() as f:
            f.file("hidden.md", NOTEBOOK)
            f.nb("init", "--learner", "Ada Lovelace", check=0)
            seed = int(f.read(".nb/learner"))
            f.nb("init", "--learner", " ada lovelace", check=0)
            other = f.nb("init", "--learner", "Charles Babbage", check=1)
            assert b"has a learner already" in other.stderr, other.stderr
            assert int(f.read(".nb/learner")) == seed
            own = f.nb("explain", "hidden.md#traffic", check=0).stdout
            assert own == f.nb("explain", "hidden.md#traffic", "--learner-seed", str(seed), check=0).stdout
            f.nb("init", "--learner-seed", "17", "--force", check=0)
            assert f.read(".nb/learner") == b"17\n"
            f.file(".nb/learner", b"seventeen\n")
            broken = f.nb("check", "hidden.md", check=1)
            assert b"not a whole number" in broken.stderr and b"nb init" in broken.stderr, broken.stderr
            f.nb("check", "--learner-seed", "3", "hidden.md", check=0)

    def the_seed_chooses_what_is_served():
        with Folder() as f:
            f.file("hidden.md", NOTEBOOK)
            one, two = two_seeds(f)
            faults = [served_fault(f, "--learner-seed", str(seed)) for seed in (one, two)]
            assert all(len(found) == 1 for found in faults) and faults[0] != faults[1], faults
            assert served_fault(f, "--learner-seed", str(one)) == faults[0]
            assert served_fault(f, "--learner-seed", str(one), "--set", "hidden.off=true") == []
            drawn = f.nb("lab", "describe", "--json", "hidden.md#checkout", check=0)
            assert b"fault" not in drawn.stdout and b"one of 8 faults" in drawn.stderr, drawn

    def anothers_results_are_stale_and_not_edited():
        with Folder() as f:
            f.file("hidden.md", NOTEBOOK)
            one, two = two_seeds(f)
            f.nb("run", "--learner-seed", str(one), "hidden.md", check=0)
            mark = f"in={inputs(f, one)}".encode()
            assert mark in f.read("hidden.md")
            f.nb("verify", "--learner-seed", str(one), "hidden.md", check=0)
            stale = f.nb("verify", "--learner-seed", str(two), "hidden.md", check=3)
            assert b"before the block was changed" in stale.stdout, stale.stdout
            again = f.nb("run", "--stale", "--learner-seed", str(one), "hidden.md", check=0)
            assert b"nothing to run" in again.stderr, again.stderr
            f.nb("init", "--learner-seed", str(two), check=0)
            other = f.nb("run", "--stale", "hidden.md", check=0)
            assert b"edited" not in other.stderr and f"in={inputs(f, two)}".encode() in f.read("hidden.md") and mark not in f.read("hidden.md"), other.stderr

    def only_the_right_answer_passes():
        with Folder() as f:
            def answered(service="''", attribute="''", value="''", *options, code):
                f.file("hidden.md", NOTEBOOK + EXERCISE.replace(b"GIVEN", f"service: {service}, attribute: {attribute}, value: {value}".encode()))
                return f.nb("grade", "hidden.md", *options, check=code).stdout

            f.nb("init", "--learner", "Ada", check=0)
            assert b"not measured: nb run --only traffic" in answered(code=1)
            f.nb("run", "hidden.md", check=0)
            assert b"| `nb grade` decides |" in f.read("hidden.md") and b"answered: no" in f.read("hidden.md")
            kept = f.read("results/hidden.json")
            assert b"answered" in kept and not any(word.encode() in kept for word in (*SERVICES, *(value for _, value in VALUES))), kept
            f.nb("check", "hidden.md", check=0)
            assert b"not answered yet" in answered(code=2)
            assert json.loads(f.read(".nb/progress.json"))["exercises"]["hidden/exercise"]["attempts"] == 0, "a question is no answer"
            (right,), wrong = served_fault(f), []
            for service in SERVICES:
                for attribute, value in VALUES:
                    if (service, attribute, value) == right:
                        said = answered(*right, code=0)
                        assert b"2 gates: 2 pass" in said, said
                        rows = [json.loads(line) for line in answered(*right, "--json", code=0).splitlines()]
                        assert [row["state"] for row in rows] == ["pass", "pass"], rows
                    else:
                        wrong.append(answered(service, attribute, value, code=2))
            assert len(wrong) == 7 and len(set(wrong)) == 1, "a wrong answer says nothing of what would be right"
            assert b"another service, attribute or value" in wrong[0], wrong
            own = inputs(f, int(f.read(".nb/learner")))
            other = next(seed for seed in range(1, 40) if inputs(f, seed) != own)
            assert b"measured by another learner" in answered("''", "''", "''", "--learner-seed", str(other), code=1)
            f.file("hidden.md", NOTEBOOK + EXERCISE.replace(b"GIVEN", b"service: princing"))
            slip = f.nb("grade", "hidden.md", check=1)
            assert b"did you mean `pricing`?" in slip.stderr, slip.stderr

    def the_lessons_own_queries_find_the_fault():
        """Day 2 for learners of several seeds, by what its tables say; NB_SEEDS=20 for twenty of them."""
        lesson = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "Notebooks")
        found, steps = [], ("red", "who", "where")
        with Folder() as f:
            for name in ("data", "market"):
                shutil.copytree(os.path.join(lesson, name), os.path.join(f.path, name))
            shutil.copy(os.path.join(lesson, "course.yml"), f.path)
            text = open(os.path.join(lesson, "day02.md"), encoding="utf-8").read()
            asked = "\n".join(re.findall(r"```perf\nkind: observe\n(id: (?:%s)\n.*?)```" % "|".join(steps), text, re.S))
            assert asked.count("query:") == len(steps) <= 4 and "source: logs" in asked and "metric_red" in asked and "critical_path" in asked, asked
            assert not re.search(r"catalog|pricing|inventory|tenant|currency|app_version|\bt\d\d\b|[A-Z]{3}", asked.split("title:")[0] + "".join(re.findall(r"\n(?:where|versus|query|group_by|source): .*", asked)))
            for seed in range(1, 1 + int(os.environ.get("NB_SEEDS", "2"))):
                f.file("day02.md", text.encode())
                for _ in range(3):  # a machine that is busy makes no recording
                    done = f.nb("run", "--quick", "--overwrite", "--only", ",".join(steps), "--learner-seed", str(seed), "day02.md")
                    if b"INVALID" not in done.stderr:
                        break
                assert b"INVALID" not in done.stderr, done.stderr
                cells = {cell["id"]: cell for cell in json.loads(f.read("results/day02.json"))["cells"]}
                attribute, value = cells["who"]["arms"][0]["labels"][:2]
                service = cells["where"]["arms"][0]["labels"][0]
                f.file("day02.md", f.read("day02.md").replace(b"service: '', attribute: '', value: ''", f"service: {service}, attribute: {attribute}, value: '{value}'".encode()))
                graded = [json.loads(line) for line in f.nb("grade", "day02.md", "--json", "--learner-seed", str(seed)).stdout.splitlines()]
                state = next(row["state"] for row in graded if "answered" in json.dumps(row))
                assert state == "pass", (seed, service, attribute, value, graded, done.stderr.decode())
                found.append((service, attribute, value))
        assert len(set(found)) > 1, found
        print(f"        {len(found)} faults, each found in {len(steps)} steps:", *sorted(map("/".join, found)))

    return [the_lessons_own_queries_find_the_fault, only_the_right_answer_passes, init_keeps_the_learners_seed, the_seed_chooses_what_is_served, anothers_results_are_stale_and_not_edited]
