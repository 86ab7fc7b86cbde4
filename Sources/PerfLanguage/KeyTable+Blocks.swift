// Rows of the key table: blocks, and the parts that are not systems.

import ExperimentModel

private let kind = Key("kind", .other("the block's kind"), "says what the block is", required: true)
private let id = Key("id", .name, "unique in the notebook; results and values are called after it", required: true)
private let title = Key("title", .text, "a heading for its results")
private let why = Key("why", .text, "one line for the optimization log")
private let thresholds = Key("thresholds", .other("expressions by metric"), "METRIC: ['[agg] op value']; a failed one fails the run")
private let expect = Key("expect", .other("predictions by metric"), "METRIC: {value, tolerance, theory}; never fails a run")
private let gate = Key("gate", .list("'ADDRESS op VALUE'"), "mastery; shown by `nb run`, judged by `nb grade`")
private let plots = Key("plots", .list("plots"), "what is drawn beside the table")
private let blockTime = Key("block_time", .shape(.blockTime), "how long it may take")
private let requires = Key("requires", .shape(.requires), "what the machine must have; without it the block is not run here, which is no failure and no pass")

/// Work of the lab that a bench can time.
let builtinSubjects = ["cache-get", "memcached-get", "commit", "alloc"] + spanSubjects + ["spin"]
/// Spans begun, given `n` attributes, and ended: recorder off, recorded, recorded and exported; by the standard API without and with a tracer.
let spanSubjects = ["span-off", "span", "span-exported", "span-api-noop", "span-api"]
/// What a span's slot has room for.
let spanAttributes = 0...16

/// Traffic; a variant may override each of them.
private let traffic: [Key] = [
  Key("executor", .word(Executor.allCases.map(\.rawValue)), "who decides when the next request is sent", required: true),
  Key("arrivals", .word(Arrivals.allCases.map(\.rawValue)), "spacing of scheduled requests", standard: "poisson"),
  Key("rate", .rate, "for constant-arrival-rate"),
  Key("stages", .list("{target, duration}"), "ramps, for ramping-arrival-rate and ramping-vus"),
  Key("vus", .integer(1), "users who wait for each answer, for constant-vus and shared-iterations"),
  Key("iterations", .integer(1), "requests in all, for shared-iterations"),
  Key("connections", .integer(1), "open connections at most; without it 64, or one per user"),
  Key("thinkTime", .duration, "pause of a user after an answer"),
  Key("timeout", .duration, "of one request", standard: "10s"),
  Key("scenario", .list("requests and journeys"), "what is asked for", required: true),
  Key("data", .shape(.rows), "rows that fill `{{COLUMN}}`, one for each iteration"),
  Key("cookies", .flag, "a jar of cookies for each user", standard: "false"),
  Key("warm", .shape(.warm), "traffic before measuring, excluded from every number"),
  Key("faults", .list("faults"), "a timeline, from the start of each slice"),
]

/// The same rows where nothing is required: the block has said it.
private let overrides: [Key] = traffic.map { Key($0.name, $0.type, $0.meaning) }

/// Names and meaning of those of the network are Toxiproxy's.
private let toxicMeanings = [
  "of connections, on what is answered: `latency` holds every answer back, `bandwidth` lets so many bytes a second through, `slicer` cuts",
  "answers into small pieces, `slow_close` closes later, `timeout` loses every answer, then closes, `reset_peer` loses every answer, then resets,",
  "`limit_data` closes after so many bytes. Of a role: `stall` takes no request from the queue, `kill` ends its process (connections are reset,",
  "then refused, its memory is lost), `restart` is a kill that is over at once, `error_rate` answers a share of requests with an error.",
  "Of the process: `cpu_limit` by a control group, or without the right to one by SIGSTOP and SIGCONT; `mem_limit` restarts all roles when",
  "resident memory, looked at every 10 ms, is above it. Of a cache: `expire` drops everything",
].joined(separator: " ")

private let conditionMeaning = [
  "all of which must hold: a field, an operator and a value. Fields are `duration`, `status`, `kind`, `name`, `severity` and keys of attributes;",
  "`p(95)` is a quantile of what passes the conditions on attributes",
].joined(separator: " ")

let blockKeys: [Shape: [Key]] = [
  .lesson: [
    kind, Key("id", .name, "such as `day08`", required: true),
    Key("day", .integer(0), "of the course", required: true),
    Key("title", .text, "of the lesson", required: true),
    Key("seed", .integer(0), "all randomness of the notebook follows from it", standard: "1"),
    Key("claims", .list("claims"), "what the lesson says, and which block shows it"),
    Key("minutes", .shape(.minutes), "of class time for each part"),
    Key("block_time", .shape(.blockTime), "what all blocks together may take", standard: "{full: 60s, quick: 10s}"),
  ],
  .claim: [
    Key("id", .name, "what `{{ claim ID }}` calls it", required: true),
    Key("text", .text, "the claim", required: true),
    Key("verified_by", .text, "`BLOCK.expect`, `BLOCK.thresholds` or `BLOCK.gate`", required: true),
  ],
  .minutes: ["problem", "pattern", "load", "tradeoffs", "docs"].map { Key($0, .integer(0), "minutes of this part") },
  .blockTime: [
    Key("full", .duration, "in a full run", required: true),
    Key("quick", .duration, "with --quick", required: true),
  ],
  .requires: [
    Key("os", .word(Requirements.System.allCases.map(\.rawValue)), "the operating system"),
    Key("tools", .texts("programs"), "on the PATH, such as [java]"),
    Key("cores", .integer(1), "CPUs that nb may use, a control group's quota counted"),
    Key("disk", .size, "free space where a lab keeps its files, the folder for temporary ones"),
  ],
  .load: [
    kind, Key("of", .word(["load"]), "what a `compare`, `sweep` or `chaos` block is of"), id, title,
    Key("uses", .name, "the system under test: a system block, else a preset", required: true),
    Key("set", .other("values by path"), "overrides of the system, such as `origin.workers: 4`"),
  ] + traffic.prefix(2) + [
    traffic[2], Key("duration", .duration, "measured time of each arm"),
  ] + traffic.dropFirst(3) + [
    Key("compare", .shape(.compare), "paired comparison of variants, ABBA, with an A/A control"),
    Key("vary", .shape(.vary), "one arm for each value of a parameter"),
    Key("twin", .word(LoadTwin.allCases.map(\.rawValue)), "`closed` measures an open block once more with as many users as were in flight: twice the time; `sim` simulates the same scenario many times"),
    thresholds, expect, gate, plots, blockTime, requires, why,
  ],
  .variant: [
    Key("name", .name, "of the arm", required: true),
    Key("set", .other("values by path"), "overrides of the system, after the block's"),
  ] + overrides,
  .compare: [
    Key("baseline", .other("a variant"), "what the others are compared with", required: true),
    Key("candidates", .list("variants"), "what is compared with it", required: true),
    Key("order", .word(["abba"]), "of the slices", standard: "abba"),
    Key("runs", .integer(6), "slices of each arm", standard: "8"),
    Key("metric", .text, "what the verdict is about", standard: "mean"),
  ],
  .vary: [
    Key("param", .text, "a path as in `set`, or `rate`, `vus`, `iterations`, `connections`, `thinkTime`", required: true),
    Key("values", .list("values with their units"), "one arm each", required: true),
    Key("quick", .list("values"), "those measured with --quick; without it all"),
  ],
  .stage: [
    Key("target", .other("a rate, or a number of users"), "at the end of the stage", required: true),
    Key("duration", .duration, "of the straight line to the target", required: true),
    Key("jump", .flag, "the target holds from the stage's first moment: stairs and spikes", standard: "false"),
  ],
  .request: ["get", "head", "post", "put", "patch", "delete"].map { Key($0, .text, "the path, such as `/product/{id}`") } + [
    Key("name", .text, "of the request; without it method and path"),
    Key("weight", .number(0...Double.infinity), "how often, beside the others", standard: "1"),
    Key("key", .other("a dataset, or {dist, n, s}"), "what fills the path's `{…}`"),
    Key("headers", .other("texts by name"), "sent with it"),
    Key("body", .text, "sent with it"),
    Key("file", .text, "a file of the course's folder that is sent with it"),
    Key("check", .list("'status==200', 'body~…', 'header:Name==…'"), "what the answer must be; else the request has failed"),
    Key("capture", .other("'json:$.a', 'header:X' or 'regex:…' by name"), "values of the answer for `{{NAME}}` in later requests"),
    Key("thinkTime", .duration, "pause before a journey's next step"),
    Key("tags", .other("texts by name"), "kept with its numbers"),
  ],
  .journey: [
    Key("journey", .name, "its name", required: true),
    Key("weight", .number(0...Double.infinity), "how often, beside the others", standard: "1"),
    Key("steps", .list("requests"), "in order, by one user; a step that fails ends the journey", required: true),
  ],
  .rows: [
    Key("csv", .text, "a CSV file of the course's folder with a heading line", required: true),
    Key("order", .word(DataTable.Order.allCases.map(\.rawValue)), "of the rows", standard: "sequential"),
  ],
  .keys: [
    Key("dist", .word(["zipf", "uniform", "sequential"]), "popularity of the keys 1…n", required: true),
    Key("n", .integer(1), "number of keys", required: true),
    Key("s", .number(0...10), "exponent of `zipf`", standard: "0.9"),
  ],
  .fault: [
    Key("at", .duration, "from the start of each slice", required: true),
    Key("for", .duration, "how long; without it until the slice ends. Not for `expire` and `restart`, which happen at once"),
    Key("target", .text, "a role, one instance of it such as `origin.2`, an edge, a cache, or `lab`: the process with all of it", required: true),
    Key("toxic", .word(Toxic.allCases.map(\.rawValue)), toxicMeanings, required: true),
    Key("latency", .duration, "of `latency`: added to every answer"),
    Key("jitter", .duration, "of `latency`: half width of an even spread around it", standard: "0s"),
    Key("rate", .size, "of `bandwidth`: bytes per second of each connection"),
    Key("delay", .duration, "of `slow_close`: how much later; of `slicer`: between two slices, without it 0s"),
    Key("timeout", .duration, "of `timeout`: after which the connection closes, 0s is never; of `reset_peer`: after which it is reset, without it 0s"),
    Key("average_size", .size, "of `slicer`"),
    Key("size_variation", .size, "of `slicer`: half width of an even spread around it", standard: "0B"),
    Key("bytes", .size, "of `limit_data`: after which a connection closes; of `mem_limit`: resident memory"),
    Key("share", .share, "of `error_rate`: of requests, each drawn by the seed"),
    Key("status", .integer(400), "of `error_rate`", standard: "503"),
    Key("cpus", .number(0...1024), "of `cpu_limit`: CPUs' worth of time in each period"),
    Key("period", .duration, "of `cpu_limit`", standard: "100ms"),
    Key("toxicity", .share, "of toxics of connections: the share of connections that it is done to, drawn by the seed", standard: "1"),
  ],
  .warm: [
    Key("requests", .integer(1), "this many requests of the scenario"),
    Key("keys", .text, "`top-N`: the N most popular keys once each"),
  ],
  .threshold: [
    Key("threshold", .text, "'[agg] op value'", required: true),
    Key("abortOnFail", .flag, "stop the block as soon as it has failed beyond doubt", standard: "false"),
    Key("delayAbortEval", .duration, "how long a run must have lasted before it may be stopped", standard: "0s"),
    Key("window", .other("a time such as `1s`, or `[2s, 5s]`"), "it must hold in every window of this length, or in this stretch of the run"),
  ],
  .expectation: [
    Key("value", .other("a value with its unit"), "the prediction; may be left out with a closed form"),
    Key("tolerance", .other("`10pct` of the value, `2pp`, `5ms`, `0.15`"), "half width of what still agrees", required: true),
    Key("theory", .text, "where the prediction comes from"),
  ],
  .plot: [
    Key("kind", .word(["distribution", "curve", "timeline", "flame"]), "without it: a sweep gives a curve, else a distribution"),
    Key("x", .text, "a curve's horizontal axis: the varied parameter"),
    Key("y", .other("a metric, or a list of them"), "what is drawn"),
    Key("overlay", .text, "theory drawn as a line"),
    Key("scale", .word(["linear", "log"]), "of the horizontal axis", standard: "linear"),
  ],
  .bench: [
    kind, Key("of", .word(["bench"]), "what a `compare` block is of"), id, title,
    Key("uses", .name, "the system whose data and cache the subjects use"),
    Key("set", .other("values by path"), "overrides of the system"),
    Key("subjects", .list("subjects"), "what is timed", required: true),
    Key("compare", .shape(.pairing), "paired comparison, ABBA, with an A/A control"),
    Key("vary", .shape(.sizes), "everything again for each size: `n`, `rows` of a table, `readers` at a time, or a parameter of the system"),
    Key("fit", .shape(.fit), "`slope`: the growth exponent of time; `line`: what an iteration costs at size zero, and one more of the size; `hyperbola`: what each item costs, and what those of a commit or collection share; `knee` and `usl`: of throughput over readers"),
    Key("count", .word(["instructions"]), "instructions of one iteration: by the processor's counters, else by valgrind"),
    Key("setup", .text, "shell command before the first sample"),
    Key("prepare", .text, "shell command before each sample of a command, not timed"),
    thresholds, expect, gate, plots, blockTime, requires, why,
  ],
  .sizes: [
    Key(
      "param", .text, "`n`: what `subject(n)` is called with, and a program has as its first argument, or the attributes of a `span…`; `rows`: of the system's first dataset, for sql; `readers`: connections that ask an sql fence's statement at the same time, each on a thread, an iteration being an answer for each; or a path as in `set`, for `commit` and `alloc`",
      required: true),
    Key("values", .list("whole numbers, or values with their units"), "one row each", required: true),
    Key("quick", .list("values"), "those measured with --quick; without it all"),
  ],
  .fit: [
    Key(
      "kind", .word(["slope", "line", "hyperbola", "knee", "usl"]),
      "a straight line through ln time over ln size; time = a + b·x over the size x; time per item = a + b/x over the items x that share a cost; where throughput over readers bends (Kneedle); the Universal Scalability Law",
      required: true)
  ],
  .subject: [
    Key(
      "builtin", .word(builtinSubjects),
      [
        "work built into the lab; `commit`: a worker's batch into a synced log, `alloc`: a request's objects on a heap, `span-off`, `span`, `span-exported`:",
        "a span with attributes by the lab's recorder, which is off, records, or whose spans are also encoded; `span-api-noop`, `span-api`: the same by",
        "swift-distributed-tracing, with nobody behind it or the adapter",
      ].joined(separator: " ")),
    Key("fence", .name, "a code fence: sql, swift, c, python, javascript, java or sh"),
    Key("connection", .word(["kept", "each"]), "of an sql fence: one for all iterations as from a pool, or one that each iteration opens and closes", standard: "kept"),
    Key("options", .texts("words"), "of a java, python or javascript fence: for what runs it, such as [-Xmx64m]; `{n}` in a program's is its `n`"),
    Key("counts", .other("regular expressions by metric"), "of a program: what is read out of what it prints; an expression's matches are counted, or the numbers that its group captures added up, with their units"),
    Key("command", .text, "a program with its arguments, started for each sample, without a shell"),
    Key("shell", .text, "a command line for `sh -c`"),
    Key("n", .integer(0), "what `subject(n)` is called with, and a program has as its first argument; without it the fence's `n=`; of a `span…` its attributes, without it 6"),
    Key("name", .name, "of the subject; without it the fence, the work or the program"),
    Key("set", .other("values by path"), "overrides of the system for this subject, after the block's, such as {orders.index: [[user_id]]}"),
  ],
  .pairing: [
    Key("baseline", .name, "a subject", required: true),
    Key("candidates", .list("names of subjects"), "without it all the others"),
    Key("order", .word(BenchCell.Order.allCases.map(\.rawValue)), "of the measurements; `sequential` shows what drift does", standard: "abba"),
    Key("pairs", .integer(6), "of each comparison in a full run", standard: "40"),
    Key("metric", .text, "what the verdict is about", standard: "time"),
  ],
  .sim: [
    kind, Key("of", .word(["sim"]), "what a `sweep` block is of"), id, title,
    Key("model", .word(SimModel.all.map(\.name)), "what is simulated", required: true),
    Key("params", .other("values by name"), "of the model; its table is below, under the models of simulations"),
    Key("customers", .integer(1), "the same as in `params`"),
    Key("horizon", .duration, "the same as in `params`"),
    Key("vary", .other("one or a list of two {param, values}"), "one arm for each combination"),
    Key("compare", .shape(.compare), "variants of the parameters under the same random numbers; a verdict on the metric"),
    Key("validate", .list("validations"), "another run of the engine that a closed form must confirm, or nothing is concluded"),
    Key("replications", .integer(2), "independent repetitions, each with its own seed", standard: "20"),
    thresholds, expect, gate, plots, blockTime, requires, why,
  ],
  .validation: [
    Key("against", .word(theories.map(\.name)), "the closed form", required: true),
    Key("model", .word(SimModel.all.map(\.name)), "what is run", required: true),
    Key("params", .other("values by name"), "of that model"),
    Key("metric", .text, "what is compared", required: true),
    Key("tolerance", .share, "of the closed form’s value", required: true),
  ],
  .cost: [
    kind, id, title,
    Key(
      "formula", .word(CostFormula.all.map(\.name)), CostFormula.all.map { "\($0.name): \($0.title)" }.joined(separator: "; "), required: true),
    Key("inputs", .other("values by name"), "a value with its unit, {low, base, high}, `${ADDRESS}` or `${market.FACT}`", required: true),
    Key("roi", .other("{effort_hours, rate, run_cost_per_month, horizon}"), "holds the money against an effort: return, payback, where it breaks even"),
    Key("sources", .list("market facts"), "where the numbers come from"),
    expect, gate, plots, blockTime, why,
  ],
  .bracket: CostFormula.bracketEnds.map { Key($0, .other("a value with its unit"), "end or middle of the bracket", required: true) },
  .check: [
    kind, id, title,
    Key("edit", .shape(.edit), "what the learner changes"),
    Key("answer", .shape(.answer), "what the learner found that a system hides; the gate `answered==1` holds exactly when it is right"),
    Key("gate", .list("'ADDRESS op VALUE'"), "judged by `nb grade`", required: true),
    Key("hint_after", .integer(1), "failed attempts before the first of `hints`"),
    Key("hints", .texts("texts"), "shown by `nb grade`, one more after each further failed attempt"), blockTime, why,
  ],
  .observe: [
    kind, id, title,
    Key(
      "query", .word(Planning.queries),
      "what is asked: of a fence that runs, of a recorded series, of this machine, of the plans of a bench block's SQL statements, of the recorded requests of a load block, or of what its lab said of itself", required: true),
    Key("from", .name, "a load block whose recording is asked; for `plan` a bench block; not for `profile`, `change_points` and `machine`"),
    Key("arm", .name, "of a load block that compares: whose telemetry"),
    Key("where", .other("conditions, such as ['http.route==/checkout', 'duration>p(95)']"), conditionMeaning),
    Key("versus", .other("conditions"), "what the chosen are held against; without it `lift` takes all, and `critical_path` shows the chosen alone"),
    Key("group_by", .texts("keys of attributes"), "for `red`, `metric_red` and `span_metrics`: what the rows are called by; without it service and route"),
    Key("show", .texts("columns"), "which columns, in this order; without it all. The columns of each query are below"),
    Key("rows", .integer(1), "at most so many", standard: "8"),
    Key("source", .word(TelemetryQuery.Source.allCases.map(\.rawValue)), "for `lift`: what is counted", standard: "traces"),
    Key("metric", .text, "for `metric_red` and `exemplars`: the name of a histogram; without it http.server.request.duration, and for `exemplars` the spans"),
    Key("threshold", .duration, "for `apdex`: T", standard: "500ms"),
    Key("sampling", .shape(.sampling), "for `sampling`: what is kept, of the recorded traces"),
    Key("windows", .integer(2), "for `merged_quantiles`: into how many windows the recording is cut", standard: "10"),
    Key("limit", .size, "for `memory_trend`: the memory at which the process ends", standard: "512MiB"),
    Key("fence", .name, "for `profile`: the code fence that runs, in swift, c or python"),
    Key("n", .integer(0), "for `profile`: what `subject(n)` is called with; without it the fence's `n=`"),
    Key("duration", .duration, "for `profile`: how long it is sampled", standard: "2s"),
    Key("file", .text, "for `change_points`: a CSV file with the columns date, value and commit, in the course's folder"),
    thresholds, expect, gate, plots, blockTime, why,
  ],
  .slo: [
    kind, id, title,
    Key("from", .name, "a load block with one arm, whose recording is judged"),
    Key("file", .text, "or a CSV file of recorded releases in the course's folder"),
    Key("indicator", .shape(.indicator), "which requests are good", required: true),
    Key("objectives", .list("{target}"), "how many must be good; several have names from their `displayName`", required: true),
    Key("budgetingMethod", .word(["Occurrences", "Timeslices"]), "the budget counts requests, or stretches of time that are good or bad as a whole", standard: "Occurrences"),
    Key("timeWindow", .list("{duration, isRolling}, one of them"), "over which the budget is counted; without it 30d, rolling"),
    Key("time_scale", .other("{1s: 1h}"), "what a time of the recording stands for; without it itself"),
    Key("alerts", .list("alerts"), "burn rates that call somebody"),
    Key("apdex", .duration, "T of an Apdex: answers up to it satisfy, up to four times of it are tolerated"),
    Key("service", .text, "whose objective it is, as OpenSLO calls it; kept for `nb slo export`"),
    Key("description", .text, "of the objective, the same"),
    thresholds, expect, gate, plots, blockTime, requires, why,
  ],
  .indicator: [Key("ratioMetric", .shape(.ratioMetric), "good requests over all", required: true)],
  .ratioMetric: [
    Key("good", .text, "`http_req_duration<TIME`, or `http_req_failed==0`; a failed request is never good", required: true),
    Key("total", .word(["http_reqs"]), "all requests", standard: "http_reqs"),
  ],
  .objective: [
    Key("target", .number(0...1), "share of good requests, or of good time slices, such as 0.99", required: true),
    Key("displayName", .text, "its name"),
    Key("timeSliceTarget", .share, "with Timeslices: share of good requests that makes a slice good"),
    Key("timeSliceWindow", .other("a time such as 5m; `m` is minutes"), "with Timeslices: how long a slice is"),
  ],
  .timeWindow: [
    Key("duration", .duration, "such as 30d", required: true),
    Key("isRolling", .flag, "ends now, not with the month", standard: "true"),
  ],
  .alert: [
    Key("burn", .number(0...Double.infinity), "fires while both windows burn faster than this many times the allowed rate", required: true),
    Key("long", .other("a time such as 1h; `m` is minutes"), "the window that says it matters", required: true),
    Key("short", .other("a time such as 5m"), "the window that says it still goes on"),
    Key("after", .other("a time such as 5m"), "OpenSLO’s alertAfter: fires only after it has burnt so fast for this long"),
    Key("severity", .word(BurnAlert.Severity.allCases.map(\.rawValue)), "who is called", required: true),
  ],
  .edit: [Key("params", .list("paths"), "of systems, as in `set`", required: true)],
  .runbook: [
    kind, id, title,
    Key("symptom", .text, "what is seen first", required: true),
    Key("metrics", .list("metrics"), "what to look at, and when to wake somebody"),
    Key("steps", .list("texts"), "what to do, in order", required: true),
    Key("links", .list("block ids"), "which blocks show it"),
  ],
  .runbookMetric: [
    Key("name", .text, "a metric", required: true),
    Key("warn", .text, "a limit such as `1.3x` or `30s`"),
    Key("page", .text, "a limit at which somebody is called"),
    Key("info", .flag, "only to look at", standard: "false"),
  ],
]
