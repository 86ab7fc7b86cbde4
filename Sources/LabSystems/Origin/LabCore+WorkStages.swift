import ExperimentModel

// Stages that work with memory, files, matrices and bytes: what a specification must keep to, whoever wrote it. The reader
// of notebooks says the same with places; this is for JSON from elsewhere.

extension LabCore {
  func makeBytesStage(_ spec: BytesSpec, _ name: String, _ route: Route, _ place: String) throws -> BytesStage {
    guard (0...(64 << 20)).contains(spec.size) else {
      throw LabError(place: place, cause: "\(spec.size) bytes", remedy: "use at most 64 MiB")
    }
    if let writing = spec.writing {
      guard (1...2).contains(writing.writes) else {
        throw LabError(place: place, cause: "\(writing.writes) writes", remedy: "use 1, or 2 for head and body apart")
      }
      route.writing = writing
    }
    if spec.compress != nil, route.stages.contains(where: { $0 is CacheStage }) {
      throw LabError(
        place: place, cause: "a cache before a compressing stage would give gzip to clients that cannot read it",
        remedy: "leave the cache or `compress` out of this route")
    }
    return BytesStage(spec, name: name, seed: system.seed, environment: environment)
  }

  func makeAllocStage(_ spec: AllocSpec, _ name: String, _ place: String) throws -> any Stage {
    let sizes = 0...AllocSpec.requestMax
    guard sizes.contains(spec.perRequest), sizes.contains(spec.leak) else {
      throw LabError(place: place, cause: "more than 16 MiB a request", remedy: "use at most 16 MiB")
    }
    guard let objects = spec.objects else { return AllocStage(spec, name: name) }
    guard (0...ObjectHeap.sizeMax).contains(objects.live), (0...ObjectHeap.sizeMax).contains(objects.heap ?? 0) else {
      throw LabError(place: place, cause: "more than 1 GiB of objects", remedy: "use at most 1 GiB")
    }
    return try HeapStage(spec, objects, name: name, seed: system.seed, environment: environment, place: place)
  }

  func makeIOStage(_ spec: IOSpec, _ name: String, _ place: String) throws -> IOStage {
    guard (1...IOSpec.sizeMax).contains(spec.size), (spec.size...IOSpec.fileMax).contains(spec.file),
      (1...IOSpec.depthMax).contains(spec.depth)
    else {
      throw LabError(
        place: place, cause: "\(spec.depth) operations of \(spec.size) bytes on a file of \(spec.file)",
        remedy: "use 1 to 64 operations of at most 16 MiB, and a file of at most 1 GiB that holds one")
    }
    guard !spec.direct || spec.size % IOSpec.directUnit == 0 else {
      throw LabError(
        place: place, cause: "`direct` with operations of \(spec.size) bytes", remedy: "use a multiple of \(IOSpec.directUnit) bytes")
    }
    return try IOStage(spec, name: name, seed: system.seed, environment: environment, place: place)
  }

  func makeInferStage(_ spec: InferSpec, _ name: String, role: RoleSpec, _ place: String) throws -> InferStage {
    guard (1...InferSpec.batchMax).contains(spec.batch), spec.batch <= role.workers, spec.maxDelay >= .zero else {
      throw LabError(
        place: place, cause: "batches of \(spec.batch) in a role of \(role.workers) workers",
        remedy: "use at least as many workers, and batches of 1 to 256")
    }
    return InferStage(spec, name: name, seed: system.seed, environment: environment)
  }
}

extension StageWork {
  /// Needs a thread for as long as a request is in it.
  var computes: Bool {
    switch self {
    case .cpu, .infer: true
    case .alloc(let spec): spec.objects != nil
    case .bytes(let spec): spec.compress != nil
    case .cache, .sql, .wait, .call, .io, .publish, .lock, .unlock, .limit, .error: false
    }
  }
}
