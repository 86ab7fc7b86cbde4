// The stages that wait, work and write, from their parameters to their specifications, with the rules between parameters.

import ExperimentModel
import TextModel

extension SystemResolver {
  // MARK: Waiting

  /// The parameters of each distribution.
  private static let waits: [String: [String]] = [
    "constant": ["mean"], "exp": ["mean"], "uniform": ["min", "max"], "lognormal": ["mean", "sigma"], "pareto": ["mean", "alpha"],
    "mix": ["mean", "slow_share", "slow_min", "slow_mean"],
  ]
  private static let examples = ["slow_share": "2pct", "sigma": "1", "alpha": "1.5"]

  func wait(_ stage: StageDraft) -> WaitSpec? {
    let dist = text(stage.params["dist"]) ?? "constant"
    let needed = Self.waits[dist] ?? []
    for name in needed where stage.params[name] == nil {
      findings.error(
        PerfDiagnosticID.missingKey, "the wait `\(stage.name)` with `dist: \(dist)` needs `\(name)`",
        remedy: "such as `\(name): \(Self.examples[name] ?? "20ms")`", at: stage.params["dist"]?.place ?? stage.place)
    }
    for name in ["mean", "min", "max", "sigma", "alpha", "slow_share", "slow_min", "slow_mean"]
    where stage.params[name] != nil && !needed.contains(name) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(name)` does nothing with `dist: \(dist)`",
        remedy: "that needs \(needed.map { "`\($0)`" }.joined(separator: " and "))",
        at: stage.params[name]?.place ?? stage.place)
    }
    return distribution(stage, dist).map {
      WaitSpec(distribution: $0, standsFor: text(stage.params["stands_for"]) ?? "", isAsync: stage.params["async"]?.value == .flag(true))
    }
  }

  private func distribution(_ stage: StageDraft, _ dist: String) -> WaitDistribution? {
    if dist == "uniform" {
      guard let min = duration(stage.params["min"], nil), let max = duration(stage.params["max"], nil) else { return nil }
      if min <= max { return .uniform(min: min, max: max) }
      return refuse(stage, "min", "`min` of the wait `\(stage.name)` is above its `max`", remedy: "swap them")
    }
    guard let mean = duration(stage.params["mean"], nil) else { return nil }
    switch dist {
    case "lognormal": return stage.params["sigma"]?.value.plain.map { .lognormal(mean: mean, sigma: $0) }
    case "pareto": return stage.params["alpha"]?.value.plain.map { .pareto(mean: mean, alpha: $0) }
    case "exp": return .exponential(mean: mean)
    case "mix":
      guard let share = stage.params["slow_share"]?.value.plain, let low = duration(stage.params["slow_min"], nil),
        let slow = duration(stage.params["slow_mean"], nil)
      else { return nil }
      return .mixture(mean: mean, slowShare: share, slowMin: low, slowMean: slow)
    default: return .constant(mean: mean)
    }
  }

  // MARK: Writing

  func bytes(_ stage: StageDraft, _ route: RouteDraft) -> BytesSpec? {
    let content = text(stage.params["content"])
    if stage.params["size"] == nil, content == nil {
      findings.error(
        PerfDiagnosticID.missingKey, "the stage `bytes` needs `size` or `content`", remedy: "such as `- bytes: {size: 2KiB}`", at: stage.place)
      return nil
    }
    let document = content.map { BytesSpec.Document(type: text(stage.params["type"]).flatMap(BytesSpec.DocumentType.init) ?? .html, text: $0) }
    if document == nil, let type = stage.params["type"] {
      findings.error(PerfDiagnosticID.doesNotApply, "`type` is of `content`, which is not there", remedy: "leave `type` out, or give `content`", at: type.place)
      return nil
    }
    let size = max(size(stage, "size"), content?.utf8.count ?? 0)
    guard size <= 64 << 20 else {
      return refuse(stage, "size", "a body has at most 64 MiB, not \(written(size))", remedy: "write at most 64MiB")
    }
    let writes = integer(stage.params["writes"], stage.kind.key("writes")) ?? 1
    guard writes <= 2 else {
      return refuse(stage, "writes", "an answer has 1 or 2 writes, not \(writes)", remedy: "2 are head and body apart")
    }
    let compress = text(stage.params["compress"]).flatMap(BytesSpec.Compression.init)
    if compress != nil, let cache = route.stages.prefix(while: { $0.name != stage.name }).first(where: { $0.kind == .cache && !$0.isOff }) {
      findings.error(
        PerfDiagnosticID.doesNotApply,
        "the cache `\(cache.name)` would give the compressed answer to clients that cannot read it",
        remedy: "leave `compress` or the cache out of this route", at: stage.params["compress"]?.place ?? stage.place)
      return nil
    }
    let nodelay = stage.params["nodelay"]?.value != .flag(false)
    var spec = BytesSpec(
      size: size, etag: stage.params["etag"]?.value == .flag(true), compress: compress,
      writing: writes == 1 && nodelay ? nil : .init(writes: writes, nodelay: nodelay), document: document)
    addFields(to: &spec, stage)
    return spec
  }

  // MARK: Memory

  func alloc(_ stage: StageDraft) -> AllocSpec? {
    var isSound = true
    for name in ["per_request", "leak"] where size(stage, name) > AllocSpec.requestMax {
      isSound = false
      _ = refuse(stage, name, "`\(name)` is at most 16 MiB, not \(written(size(stage, name)))", remedy: "write at most 16MiB") as Never?
    }
    for name in ["live", "heap"] where size(stage, name) > ObjectHeap.sizeMax {
      isSound = false
      _ = refuse(stage, name, "`\(name)` is at most 1 GiB, not \(written(size(stage, name)))", remedy: "write at most 1GiB") as Never?
    }
    let word = text(stage.params["kind"]) ?? "block"
    let kind = ObjectHeap.Kind(rawValue: word)
    let idle = kind == nil ? ["live", "heap"] : kind == .markSweep ? [] : ["heap"]
    for name in idle where stage.params[name] != nil {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(name)` does nothing with `kind: \(word)`",
        remedy: name == "heap" ? "only the heap of `kind: mark-sweep` has a fixed size" : "objects are of `mark-sweep`, `malloc` and `arc`",
        at: stage.params[name]?.place ?? stage.place)
      isSound = false
    }
    guard isSound else { return nil }
    let (live, heap) = (size(stage, "live"), size(stage, "heap"))
    if kind == .markSweep, stage.params["heap"] == nil {
      findings.error(
        PerfDiagnosticID.missingKey, "the heap `\(stage.name)` with `kind: mark-sweep` needs `heap`",
        remedy: "such as twice `live`: the space between the two is what allocation uses", at: stage.params["kind"]?.place ?? stage.place)
      return nil
    }
    // Counted in objects, as the stage does.
    if kind == .markSweep, heap / ObjectHeap.objectSize <= (live + ObjectHeap.objectSize - 1) / ObjectHeap.objectSize {
      return refuse(
        stage, "heap", "the heap of `\(stage.name)` has \(written(heap)) and \(written(live)) of it are live",
        remedy: "make it larger: the space between the two is what allocation uses")
    }
    return AllocSpec(
      perRequest: size(stage, "per_request"), leak: size(stage, "leak"),
      objects: kind.map { ObjectHeap(kind: $0, live: live, heap: $0 == .markSweep ? heap : nil) })
  }

  // MARK: Files

  func io(_ stage: StageDraft) -> IOSpec? {
    let (size, file) = (size(stage, "size"), size(stage, "file"))
    let depth = integer(stage.params["depth"], stage.kind.key("depth")) ?? 1
    let direct = stage.params["direct"]?.value == .flag(true)
    guard (1...IOSpec.sizeMax).contains(size) else {
      return refuse(stage, "size", "an operation has 1 B to 16 MiB, not \(written(size))", remedy: "such as 4KiB")
    }
    guard (size...IOSpec.fileMax).contains(file) else {
      return refuse(
        stage, "file", "the file has \(written(file)), and an operation \(written(size))", remedy: "it holds at least one, and at most 1 GiB")
    }
    guard depth <= IOSpec.depthMax else {
      return refuse(stage, "depth", "`depth` is at most \(IOSpec.depthMax), not \(depth)", remedy: "each operation has a thread")
    }
    guard !direct || size % IOSpec.directUnit == 0 else {
      return refuse(
        stage, "size", "`direct` passes whole blocks to the disk, and \(written(size)) are none", remedy: "write a multiple of 4KiB")
    }
    return IOSpec(
      operation: text(stage.params["op"]).flatMap(IOSpec.Operation.init) ?? .read, size: size, direct: direct, depth: depth,
      access: text(stage.params["access"]).flatMap(IOSpec.Access.init) ?? .random, file: file)
  }

  // MARK: Networks

  func infer(_ stage: StageDraft, _ role: RoleDraft) -> InferSpec? {
    let batch = integer(stage.params["batch"], stage.kind.key("batch")) ?? 1
    let workers = integer(role.params["workers"], role.keys.first { $0.name == "workers" }) ?? 32
    let delay = duration(stage.params["max_delay"], stage.kind.key("max_delay")) ?? .zero
    guard batch <= InferSpec.batchMax else {
      return refuse(stage, "batch", "`batch` is at most \(InferSpec.batchMax), not \(batch)", remedy: "write at most \(InferSpec.batchMax)")
    }
    guard batch <= workers else {
      return refuse(
        stage, "batch", "a batch of \(batch) never fills: `\(role.name)` has \(workers) workers, and each request holds one",
        remedy: "write `workers: \(batch)` or more")
    }
    if delay > .zero, batch == 1 {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`max_delay` does nothing with `batch: 1`", remedy: "a request waits for company only in a larger batch",
        at: stage.params["max_delay"]?.place ?? stage.place)
      return nil
    }
    guard delay.seconds <= 10 else {
      return refuse(stage, "max_delay", "`max_delay` is at most 10 s", remedy: "nobody waits that long for company")
    }
    return InferSpec(
      model: text(stage.params["model"]).flatMap(InferSpec.Model.init) ?? .small, batch: batch, maxDelay: delay,
      precision: text(stage.params["precision"]).flatMap(InferSpec.Precision.init) ?? .fp32)
  }

  // MARK: Words

  /// Reports a value that is out of bounds.
  private func refuse<Spec>(_ stage: StageDraft, _ param: String, _ cause: String, remedy: String) -> Spec? {
    findings.error(PerfDiagnosticID.outOfRange, cause, remedy: remedy, at: stage.params[param]?.place ?? stage.place)
    return nil
  }

  /// Bytes, with the table's standard; 0 where neither is.
  private func size(_ stage: StageDraft, _ param: String) -> Int { integer(stage.params[param], stage.kind.key(param)) ?? 0 }

  private func written(_ bytes: Int) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes >= size && bytes % size == 0 {
      return "\(bytes / size) \(unit)"
    }
    return "\(bytes) B"
  }
}
