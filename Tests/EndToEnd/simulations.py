"""Simulations through the built nb: `kind: sim` with its modifiers, the simulated twin of a load, and predictions judged later."""
import json

SIMS = b"""# Simulated

```perf
kind: sim
id: choices
model: balancer
params: {servers: 10, rho: 0.8, customers: 20000}
compare:
  baseline: {name: random, set: {policy: random}}
  candidates: [{name: two, set: {policy: p2c}}]
replications: 10
validate:
  - {against: erlang-c, model: queue, params: {c: 4, rho: 0.8, customers: 50000}, metric: queue_wait, tolerance: 10pct}
```

```perf
kind: sim
id: storm
model: storm
compare:
  baseline: {name: naive}
  candidates: [{name: thrifty, set: {budget: 0.1}}]
plots: [{kind: timeline, y: goodput}]
replications: 10
```

```perf
kind: sim
id: wrong
model: mm1
params: {rho: 0.5, customers: 1000}
replications: 10
validate:
  - {against: erlang-c, model: queue, params: {c: 1, rho: 0.95, customers: 100}, metric: queue_wait, tolerance: 0.01pct}
```
"""

TWIN = b"""# Two kernels

```perf
kind: system
id: till
origin:
  workers: 2
  routes:
    GET /:
      - cpu: {as: think, work: spin, units: 1}
      - wait: {dist: exp, mean: 50ms, stands_for: a till}
```

```perf
kind: load
id: open
uses: till
executor: constant-arrival-rate
rate: 20rps
duration: 4s
twin: sim
scenario: [{get: /}]
expect:
  mean: {theory: sim, tolerance: 200pct}
  p50: {value: 1s, tolerance: 1pct}
block_time: {full: 4s, quick: 4s}
```

```perf
kind: load
id: broken
uses: till
executor: constant-vus
vus: 4
duration: 2s
twin: sim
faults: [{at: 1s, for: 100ms, target: origin, toxic: stall}]
scenario: [{get: /}]
expect:
  mean: {theory: sim, tolerance: 10pct}
block_time: {full: 2s, quick: 2s}
```
"""


def cells(folder, name):
    return {cell["id"]: cell for cell in json.loads(folder.read(f"results/{name}.json"))["cells"]}


def point(value):
    estimate = value["estimate"]
    return estimate if isinstance(estimate, float | int) else estimate[0]


def tests(Folder):
    def simulations_compare_validate_and_draw():
        with Folder() as f:
            f.file("sims.md", SIMS)
            # The last block's validation asks more than a hundred customers can give: nothing is concluded from it.
            done = f.nb("run", "sims.md", check=1)
            text = f.read("sims.md").decode()
            assert "validated: `queue_wait` of the model `queue` against erlang-c" in text, text
            assert "the simulation does not agree with what is known" in text, text
            found = cells(f, "sims")
            assert set(found) == {"choices", "storm"}, (found.keys(), done.stderr)
            ratio = found["choices"]["comparisons"][0]["ratio"]["mean"]
            # Random splits 8 of 10 erlangs into ten queues: 5 services; two choices give about half of that.
            assert found["choices"]["comparisons"][0]["verdict"] == "faster" and ratio[1] > 1.5, ratio
            assert [arm["name"] for arm in found["storm"]["arms"]] == ["naive", "thrifty"]
            page = f.read("_site/sims.html").decode()
            assert "<svg" in page and "goodput" in page
            # The same bytes again, also of the results file.
            before = (f.read("sims.md"), f.read("results/sims.json"))
            f.nb("run", "sims.md", "--overwrite", check=1)
            assert before == (f.read("sims.md"), f.read("results/sims.json"))

    def a_load_has_a_simulated_twin_and_predictions_are_verified():
        with Folder() as f:
            f.file("two.md", TWIN)
            f.nb("verify", "two.md", check=3)
            f.nb("run", "two.md", check=0)
            found = cells(f, "two")
            arm = found["open"]["arms"][0]
            # Half loaded, two workers: 50 ms / (1 - 0.25), a little less in four seconds that begin without a queue.
            assert 55e6 < arm["theory"]["mean"] < 70e6, arm["theory"]
            value, low, high = arm["metrics"]["mean_over_sim"]["estimate"]
            assert 0.5 < value < 2 and low < value < high, arm["metrics"]
            notes = " ".join(doubt["text"] for doubt in found["open"]["doubts"])
            assert "real work takes no time there: think" in notes, notes
            assert len(found["open"]["plots"]) == 2, found["open"]["plots"]
            notes = " ".join(doubt["text"] for doubt in found["broken"]["doubts"])
            assert "no simulated twin, because the simulated twin cannot follow faults" in notes, notes
            # p50 is no second: that prediction does not hold, and nobody fails because of it but `verify`.
            done = f.nb("verify", "two.md", check=2)
            assert b"3 predictions: 1 hold, 1 do not, 1 are open" in done.stdout, done.stdout
            rows = [json.loads(line) for line in f.nb("verify", "two.md", "--json", check=2).stdout.splitlines()]
            assert sorted(row["outcome"] for row in rows) == ["fail", "inconclusive", "pass"], rows
            # A changed block has not been measured.
            f.file("two.md", f.read("two.md").replace(b"rate: 20rps", b"rate: 18rps"))
            done = f.nb("verify", "two.md", check=3)
            assert b"measured before the block was changed" in done.stdout, done.stdout

    return [simulations_compare_validate_and_draw, a_load_has_a_simulated_twin_and_predictions_are_verified]
