// The lesson that `nb new` writes: all five parts, a system, a paired comparison, a decoy, an exercise whose gate the starter
// fails. It runs as it stands, and `nb check` finds nothing in it but its marks of what the author has to do.

/// Markdown of a new lesson.
///
/// - Parameters:
///   - tomorrow: the lesson of the next day, when there is one.
public func lessonSkeleton(id: String, day: Int, title: String, tomorrow: String?) -> String {
  let todo = "TODO"  // tidy: allow the skeleton's own marks, which the author removes
  // A scalar in double quotes: what it means to YAML must not depend on the title.
  let quoted = "\"" + title.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  return """
    # Day \(day) — \(title)

    ```perf
    kind: lesson
    id: \(id)
    day: \(day)
    title: \(quoted)
    seed: \(day)01
    claims:
      - id: headline
        text: "\(todo): what every learner will have seen, in one sentence with its number"
        verified_by: change.thresholds
      - id: decoy-nothing
        text: More workers change nothing here
        verified_by: decoy.expect
    minutes: {problem: 8, pattern: 25, load: 12, tradeoffs: 10, docs: 5}
    block_time: {full: 60s, quick: 10s}
    ```

    \(todo): two sentences: what hurts, and what a learner can say after this hour that they cannot say now.

    ## 0. Market check (before class)

    {{ market \(id) }}

    \(todo): put `\(id)` into `used_by` of the facts that this lesson uses (market/facts.yml). Which of them feeds a number below?

    ## 1. Performance problem (8 min)

    ### The user impact

    \(todo): who waits, how long, and how often.

    ```perf
    kind: system
    id: lab
    telemetry: {traces: 1}
    origin:
      workers: 8
      queue: {limit: 256, discipline: fifo}
      routes:
        GET /item/{id}:
          - cache: {as: item-cache, key: "{id}", policy: lru, capacity: 400, ttl: 60s}
          - wait: {as: remote, dist: constant, mean: 5ms, stands_for: "\(todo): the remote party that this wait plays"}
          - bytes: {as: body, size: 1KiB}
    data:
      items: {rows: 1000, popularity: {zipf: 0.9}}
    ```

    ### The baseline

    \(todo): write down a guess before you run it: the mean, and the slowest of a hundred requests.

    ```perf
    kind: load
    id: base
    title: Before any change
    uses: lab
    set: {item-cache.capacity: 0}
    executor: constant-arrival-rate
    rate: 100rps
    duration: 3s
    scenario: [{get: "/item/{id}", key: items}]
    plots: [{kind: distribution}]
    block_time: {full: 4s, quick: 1300ms}
    ```

    ### The cost of poor performance

    \(todo): replace the inputs by your own company's; a bracket stays a bracket.

    ```perf
    kind: cost
    id: money
    title: Revenue that hangs on the saved delay, per day
    formula: F1
    inputs:
      sessions_per_day: 120000
      conversion: 0.024
      order_value: 68 USD
      delay: ${change.delta.mean}
      sensitivity_per_100ms: {low: 0, base: 0.003, high: 0.01}
    ```

    ## 2. Pattern implementation (25 min)

    ### Observe first

    \(todo): which law or which count lets a learner check that these numbers may be trusted?

    ```perf
    kind: observe
    id: where
    title: Where a request's time goes
    from: base
    query: critical_path
    where: ['duration>0ms']
    ```

    ### The bottleneck, named before the fix

    \(todo): **The bottleneck has a name:** the one thing that limits, and two things that it is not.

    ### Change 1 — measure, optimise, validate

    ```perf
    kind: load
    id: change
    title: Without and with the change
    uses: lab
    executor: constant-arrival-rate
    rate: 100rps
    duration: 4s
    scenario: [{get: "/item/{id}", key: items}]
    compare:
      baseline: {name: without, set: {item-cache.capacity: 0}}
      candidates:
        - {name: with, set: {item-cache.capacity: 400}, warm: {requests: 3000}}
    why: "\(todo): why this change, in one line for the optimization log"
    thresholds:
      ratio.mean: ['>=2']
    plots: [{kind: distribution}]
    block_time: {full: 10s, quick: 2500ms}
    ```

    The mean went from {{ change.without.mean }} to {{ change.with.mean }}: {{ claim headline }}.

    ### What did not help

    \(todo): a change that sounds right and has no effect. Say why before the numbers do.

    ```perf
    kind: load
    id: decoy
    title: More workers
    uses: lab
    executor: constant-arrival-rate
    rate: 100rps
    duration: 4s
    scenario: [{get: "/item/{id}", key: items}]
    compare:
      baseline: {name: few, set: {item-cache.capacity: 0}}
      candidates:
        - {name: many, set: {item-cache.capacity: 0, origin.workers: 32}}
    why: nothing queues, so there is nothing for more workers to do
    expect:
      ratio.mean: {value: 1, tolerance: 0.1}
    block_time: {full: 10s, quick: 2500ms}
    ```

    The ratio of the means is {{ decoy.ratio.mean }}: {{ claim decoy-nothing }}.

    ## 3. Load testing and analysis (12 min)

    ### Breaking point

    \(todo): how far from the limit is today's peak?

    ```perf
    kind: sweep
    of: load
    id: breaking
    title: One worker, more and more requests
    uses: lab
    set: {item-cache.capacity: 0, origin.workers: 1}
    executor: constant-arrival-rate
    duration: 2s
    rate: 50rps
    scenario: [{get: "/item/{id}", key: items}]
    vary: {param: rate, values: [50rps, 100rps, 150rps], quick: [50rps, 150rps]}
    plots: [{kind: curve, x: rate, y: [mean, p99]}]
    block_time: {full: 8s, quick: 1500ms}
    ```

    ### Profile

    \(todo): what a profile shows here, or why it shows nothing, and which picture takes its place.

    ### Cost of the gain

    \(todo): what does the gain cost in machines, memory or money?

    ```perf
    kind: cost
    id: infra
    title: Processor time per million requests, with the change
    formula: F3
    inputs:
      usd_per_vcpu_hour: 0.0408 USD/h
      cpu_per_req: ${change.with.cpu_per_req}
      target_utilisation: 0.6
    ```

    ## 4. Optimisation and trade-offs (10 min)

    | change | measured gain | lines changed | hours | risk |
    | :-- | --: | --: | --: | :-- |
    | cache of 400 items | {{ change.ratio.mean }} | 1 | \(todo) | \(todo) |
    | more workers | {{ decoy.ratio.mean }} | 1 | \(todo) | \(todo) |

    \(todo): when is it good enough? Where the next gain is worth less than the work.

    ## 5. Learning documentation (5 min)

    ### Runbook

    ```perf
    kind: runbook
    id: rb-\(id)
    symptom: "\(todo): what is seen first"
    metrics: [{name: hit_ratio, info: true}, {name: p99, warn: 1.3x, page: 2x}]
    steps:
      - "\(todo): what to look at first"
      - "\(todo): what to do then"
    links: [base, change]
    ```

    ### Optimisation log

    `nb run` writes an entry into the [optimization log](optimization-log.md) when a comparison's question or verdict is new.

    ### Exercise

    \(todo): say what the learner is to change, and what will be judged.

    ```perf
    kind: load
    id: mine
    title: Your cache
    uses: lab
    set: {item-cache.capacity: 10}
    executor: shared-iterations
    vus: 8
    iterations: 1000
    warm: {requests: 500}
    scenario: [{get: "/item/{id}", key: items}]
    block_time: {full: 2s, quick: 1200ms}
    ```

    ```perf
    kind: check
    id: exercise
    title: Half of the requests without the remote party
    edit: {params: [item-cache.capacity]}
    gate:
      - 'mine.hit_ratio>=0.5'
    hint_after: 2
    hints:
      - "\(todo): a question that leads to the place, not to the answer"
    ```

    ### Tomorrow's target

    \(todo): what is left to be desired\(tomorrow.map { ", and why [tomorrow's lesson](\($0).md) takes it up" } ?? "").

    """
}
