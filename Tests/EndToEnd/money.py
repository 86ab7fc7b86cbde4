"""Money and objectives with the built nb: new prices without new measurements, and the worked cases in exact arithmetic."""
import decimal
import json
import os
import re
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))

SHOP = b"""# Money

```perf
kind: system
id: tiny
origin:
  workers: 8
  routes:
    GET /item:
      - wait: {as: remote, dist: constant, mean: 5ms, stands_for: a remote store}
```

```perf
kind: load
id: traffic
uses: tiny
executor: shared-iterations
vus: 4
iterations: 100
scenario: [{get: "/item"}]
```

```perf
kind: cost
id: infra
formula: F3
inputs:
  cpu_per_req: ${traffic.cpu_per_req}
  usd_per_vcpu_hour: ${market.vcpu}
  target_utilisation: 60pct
```

```perf
kind: cost
id: delay
formula: F1
inputs:
  delay: ${traffic.mean}
  sensitivity_per_100ms: {low: 0, base: 0.003, high: 0.01}
roi: {effort_hours: 12, margin: 35pct}
```
"""

COURSE = b"title: Money\nlessons: [money]\nmoney:\n  sessions_per_day: 120000\n  conversion: 0.024\n  order_value: 68 USD\n  engineer_hour: 95 USD/h\n"


def facts(price, as_of="2026-06-17"):
    return (f"facts:\n  - id: vcpu\n    statement: one vCPU\n    value: {price}\n    as_of: {as_of}\n    source: example.org/prices\n"
            "    source_kind: primary\n    ttl_days: 180\n").encode()


def cells(f):
    return {cell["id"]: cell for cell in json.loads(f.read("results/money.json"))["cells"]}


def figure(cell, metric):
    for arm in cell["arms"]:
        if metric in arm["metrics"]:
            value = arm["metrics"][metric]["estimate"]
            return value[0] if isinstance(value, list) else value
    raise AssertionError((metric, cell))


def new_prices_need_no_new_measurement(Folder):
    """A fact, the course's money or a formula's input changes: what hangs on it is priced again from what is saved."""
    with Folder() as f:
        f.file("course.yml", COURSE)
        os.mkdir(os.path.join(f.path, "market"))
        f.file("market/facts.yml", facts("0.04 USD/h"))
        f.file("money.md", SHOP)
        environment = dict(os.environ, NB_TODAY="2026-07-01")
        f.nb("run", "--quick", "money.md", check=0, env=environment)
        first = cells(f)
        assert b"0.04" not in f.read("money.md").split(b"nb:result infra")[0], "the page holds no price of its own"
        assert b"vcpu of 2026-06-17, example.org/prices" in f.read("money.md")

        f.file("market/facts.yml", facts("0.08 USD/h"))
        done = f.nb("run", "--quick", "--stale", "money.md", check=0, env=environment)
        assert b"1 blocks" in done.stderr and not f.children_of(b"serve"), done.stderr
        second = cells(f)
        assert second["traffic"] == first["traffic"] and second["delay"] == first["delay"], "nothing else was touched"
        ratio = figure(second["infra"], "per_million") / figure(first["infra"], "per_million")
        assert abs(ratio - 2) < 1e-5, ratio

        # The company sells twice as much: both its revenue and what a delay costs it double, and no request is sent.
        f.file("course.yml", COURSE.replace(b"120000", b"240000"))
        f.nb("run", "--quick", "--stale", "money.md", check=0, env=environment)
        third = cells(f)
        assert third["traffic"] == first["traffic"] and third["infra"] == second["infra"]
        for metric in "high", "gain_base", "roi_base":
            assert abs(figure(third["delay"], metric) / figure(first["delay"], metric) - 2) < 1e-4, metric

        # A price grows old: the run says so beside the number, which stays what it was.
        done = f.nb("run", "--quick", "--only", "infra", "money.md", check=0, env=dict(os.environ, NB_TODAY="2027-07-01"))
        assert b"stale-fact" in done.stderr and b"it is STALE" in f.read("money.md"), done.stderr
        assert figure(cells(f)["infra"], "per_million") == figure(second["infra"], "per_million")

        # A new measurement is priced with it, also when only it was asked for.
        done = f.nb("run", "--quick", "--only", "traffic", "money.md", check=0, env=environment)
        assert b"3 blocks" in done.stderr, done.stderr

        # Another currency stops everything before anything is measured.
        f.file("market/facts.yml", facts("0.04 EUR/h"))
        done = f.nb("run", "--quick", "money.md", env=environment)
        assert done.returncode == 1 and b"wrong-unit" in done.stderr and b"0.04 EUR/h" in done.stderr, done.stderr


OBJECTIVES = b"""
```perf
kind: slo
id: promise
title: "Fast, and: always there"
from: traffic
indicator: {ratioMetric: {good: 'http_req_duration<4ms', total: http_reqs}}
objectives:
  - {target: 0.99, displayName: Strict, timeSliceTarget: 0.95, timeSliceWindow: 10m}
  - {target: 0.5, displayName: Lax, timeSliceTarget: 0.95, timeSliceWindow: 20m}
budgetingMethod: Timeslices
timeWindow: [{duration: 28d, isRolling: true}]
time_scale: {1ms: 1min}
apdex: 4ms
alerts:
  - {burn: 14.4, long: 1h, short: 5m, severity: page}
  - {burn: 1, long: 3d, after: 2h, severity: ticket}
thresholds:
  strict-page-1h.fired: ['>=1']
  apdex: ['<=0.6']
```
"""


def objectives_go_to_openslo_and_come_back_unchanged(Folder):
    """A block is judged, exported, imported again in its place: the same question, so nothing is left to run."""
    with Folder() as f:
        f.file("money.md", SHOP.split(b"```perf\nkind: cost")[0] + OBJECTIVES)
        f.nb("run", "--quick", "money.md", check=0)
        page = f.read("money.md").decode()
        # Every answer takes five milliseconds: none is good, all are tolerated.
        assert re.search(r"\| Strict: 99.0 % \| 0 % .*\| 6\.72 h \|", page) and "apdex: 0.5" in page, page
        assert "time slices, good with 95 % of their requests" in page
        done = f.nb("slo", "export", "money.md#promise", check=0)
        f.file("promise.yaml", done.stdout)
        assert done.stdout.count(b"kind: AlertPolicy") == 2 and b"nb/short-window: 5m" in done.stdout, done.stdout
        block = f.nb("slo", "import", "promise.yaml", check=0).stdout.decode()
        thresholds = "thresholds:\n  strict-page-1h.fired: ['>=1']\n  apdex: ['<=0.6']\n```\n"
        source = page[page.index("```perf\nkind: slo"):page.index("<!-- nb:result promise")]
        f.file("money.md", page.replace(source, block.removesuffix("```\n") + thresholds + "\n").encode())
        done = f.nb("run", "--quick", "--stale", "money.md", check=0)
        assert b"nothing to run" in done.stderr, done.stderr

        broken = f.read("promise.yaml").replace(b"lookbackWindow: 1h", b"lookbackWindow: 1Q")
        f.file("promise.yaml", broken)
        done = f.nb("slo", "import", "promise.yaml", check=1)
        line = broken[:broken.index(b"1Q")].count(b"\n") + 1
        assert not done.stdout and f"promise.yaml:{line}:27: error".encode() in done.stderr, done.stderr
        assert b"did you mean `promise`" in f.nb("slo", "export", "money.md#promse", check=1).stderr


def evaluate(working):
    """A line of arithmetic with ×, −, ^ and ⌈…⌉ in fifty decimal digits."""
    text = working.replace("×", "*").replace("−", "-").replace("^", "**")
    text = re.sub(r"⌈(.+?)⌉", r"up(\1)", text)
    text = re.sub(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", lambda n: f"Decimal('{n[0].replace(',', '')}')", text)
    assert re.fullmatch(r"(?:Decimal\('[\d.]+'\)|up\(|[-+*/() ])+", text), text
    with decimal.localcontext(decimal.Context(prec=50)):
        return eval(text, {"__builtins__": {}}, {"Decimal": Decimal, "up": lambda x: x.to_integral_value(decimal.ROUND_CEILING)})


def every_worked_case_comes_to_its_result(Folder):
    """The table of money cases in exact arithmetic; that nb comes to the same results is a test of its own."""
    lines = open(os.path.join(HERE, "../Golden/Money/cases.md"), encoding="utf-8").read().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")][1:]
    rows = [row for row in rows if not row[0].startswith(":--")]
    checked = 0
    for row in rows:
        results = dict(part.split(" = ") for part in row[5].split("; "))
        workings = dict(part.split(" = ") for part in row[4].split("; "))
        assert results.keys() == workings.keys(), row
        for name, working in workings.items():
            number = Decimal(results[name].split()[0])
            assert abs(evaluate(working) - number) <= Decimal(10) ** number.as_tuple().exponent / 2, (row[0], name, evaluate(working))
            checked += 1
    assert len(rows) >= 20 and checked >= 60, (len(rows), checked)


def tests(Folder):
    return [bound(function, Folder) for function in (new_prices_need_no_new_measurement, objectives_go_to_openslo_and_come_back_unchanged, every_worked_case_comes_to_its_result)]


def bound(function, Folder):
    def run():
        function(Folder)
    run.__name__ = function.__name__
    return run
