// Executes a plan: each cell in the order in which the notebook needs it, one result at a time, each
// handed on the moment it is there. Reads no notebook and writes no file: `save` is the caller's.

import ExperimentModel
import MeasureKernel
import SimulationKernel

public struct RunOptions: Sendable {
  /// Shorter: every block gets its quick time.
  public var quick: Bool
  public var launcher: LabLauncher
  /// Hidden child mode for bench subjects; arguments after the executable.
  public var subjectArguments: [String]
  /// Folder for compiled fences.
  public var fenceCache: String
  /// Of commands that are timed; `setup` and `prepare` come from the block.
  public var commands = CommandOptions()
  public init(quick: Bool, launcher: LabLauncher, subjectArguments: [String], fenceCache: String) {
    self.quick = quick
    self.launcher = launcher
    self.subjectArguments = subjectArguments
    self.fenceCache = fenceCache
  }
}

/// What happens during a run, for a progress line.
public enum RunEvent: Sendable {
  case started(id: String, kind: String, index: Int, count: Int)
  case progress(id: String, note: String, rate: Double?, p99: Nanoseconds?, left: Nanoseconds?)
  /// - Parameters:
  ///   - took: without compiling.
  ///   - declared: by `block_time`.
  case finished(CellResult, took: Nanoseconds, declared: Nanoseconds?)
}

public struct Runner {
  let options: RunOptions
  let cancelled: @Sendable () -> Bool
  let report: (RunEvent) -> Void
  /// Of this run's load blocks that other blocks ask about.
  let recordings = Recordings()
  let clock = BlockClock()

  public init(
    _ options: RunOptions, cancelled: @escaping @Sendable () -> Bool,
    report: @escaping (RunEvent) -> Void
  ) {
    self.options = options
    self.cancelled = cancelled
    self.report = report
  }

  /// Runs `cells` and hands each result to `save` when it is finished.
  ///
  /// - Parameters:
  ///   - known: earlier results that cells may read (costs, gates) when their block is not run now.
  ///   - save: called once a cell; returns the result that stands, which is the saved one where the new one agrees
  ///     with it: what is computed from a shown number must follow from the shown number. What it throws ends the run.
  /// - Returns: the results of this run in execution order; on cancellation those that finished.
  public func run(
    _ cells: [Cell], known: [String: CellResult], save: (CellResult) throws -> CellResult
  ) throws -> [CellResult] {
    var results = known
    var finished: [CellResult] = []
    let order = Self.order(cells)
    recordings.wanted = Set(order.compactMap(\.work.recordingSource))
    for (index, cell) in order.enumerated() {
      if cancelled() { break }
      report(.started(id: cell.id, kind: cell.work.kind, index: index + 1, count: order.count))
      clock.start()
      let result = execute(cell, results)
      let took = clock.taken
      if cancelled() { break }
      let standing = try save(result)
      results[cell.id] = standing.failure == nil ? standing : known[cell.id] ?? standing
      finished.append(result)
      report(.finished(result, took: took, declared: options.quick ? cell.blockTime?.quick : cell.blockTime?.full))
    }
    return finished
  }

  /// Document order, but a cell that reads others comes after them. The planner refuses cycles.
  static func order(_ cells: [Cell]) -> [Cell] {
    let byID = Dictionary(cells.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    var placed: Set<String> = []
    var order: [Cell] = []
    func place(_ cell: Cell) {
      guard placed.insert(cell.id).inserted else { return }
      for need in cell.needs { if let other = byID[need] { place(other) } }
      order.append(cell)
    }
    cells.forEach(place)
    return order
  }

  private func execute(_ cell: Cell, _ known: [String: CellResult]) -> CellResult {
    var result = CellResult(
      id: cell.id, kind: cell.work.kind, title: cell.title, inputs: cell.inputs,
      quick: options.quick, evidence: Self.evidence(of: cell.work))
    result.why = cell.why
    result.components = cell.components?.map(\.label)
    if let unmet = unmet(cell, known) {
      result.unmet = unmet
      return result
    }
    for service in cell.components ?? [] { result.doubts.append(Doubt(id: "real-\(service.component.rawValue)", text: service.footnote)) }
    do {
      if let source = cell.work.recordingSource, known[source]?.validity == .invalid {
        throw CellFailure("the run of `\(source)` was INVALID, and a recording of it says nothing", remedy: "run both again on a quieter machine")
      }
      let before = MachineProbe.sample()
      switch cell.work {
      case .load(let load): try LoadExecution(cell: cell, load: load, runner: self).run(into: &result)
      case .bench(let bench): try runBench(cell, bench, into: &result)
      case .sim(let sim): try runSimulation(cell, sim, into: &result)
      case .cost(let cost): try runCost(cell, cost, known, into: &result)
      case .check(let check): show(check, into: &result)
      case .observe(let observe): try runObserve(cell, observe, known, into: &result)
      case .slo(let slo): try runSLO(cell, slo, into: &result)
      }
      // What is simulated or computed is the same on any machine.
      if result.evidence != .simulated, result.evidence != .computed { result.machine = MachineProbe.state(from: before, to: MachineProbe.sample()) }
      judge(cell, known, into: &result)
    } catch let failure as CellFailure {
      result.failure = failure.cause + (failure.remedy.map { "; \($0)" } ?? "")
    } catch let error as MeasureError {
      result.failure = error.cause + (error.remedy.map { "; \($0)" } ?? "")
      result.failureNotes = failureNotes(error, cell.work)
    } catch let error as SimulationError {
      result.failure = error.cause + (error.remedy.map { "; \($0)" } ?? "")
    } catch {
      result.failure = String(describing: error)
    }
    // A lab that was ended is only seen to have died.
    let ended = reasonsOfEndedChildren()
    if let failure = result.failure, !ended.isEmpty { result.failure = ended.joined(separator: "; ") + "; " + failure }
    return result
  }

  /// perf-blocks.md, "Verdicts": any `wait` reached gives W, simulations S, costs C, else R.
  static func evidence(of work: Work) -> Evidence {
    switch work {
    case .sim: .simulated
    case .cost: .computed
    case .check: .replay
    case .observe(.changePoints), .observe(.littlesLaw), .observe(.mergedQuantiles), .observe(.memoryTrend), .observe(.telemetry), .observe(.plan), .slo: .replay
    case .observe(.profile), .observe(.machine): .real
    case .bench: .real
    case .load(let load): load.arms.contains(where: Self.reachesWait) ? .declaredWait : .real
    }
  }

  /// A declared wait on the way of one of the arm's requests, or of a message that one publishes.
  static func reachesWait(_ arm: LoadArm) -> Bool {
    // A declared link to the clients is on everybody's way.
    if arm.system.roles.contains(where: { $0.edge?.shape != nil }) || arm.faults.contains(where: \.toxic.isDeclaredTime) { return true }
    var open = arm.profile.requests.map { ($0.method == "HEAD" ? "GET" : $0.method, $0.path) }
    var seen: Set<String> = []
    while let (method, path) = open.popLast() {
      for role in arm.system.roles {
        for route in role.routes where route.method == method && route.answers(path) {
          guard seen.insert("\(role.name) \(method) \(route.path)").inserted else { continue }
          for stage in route.stages {
            if case .wait = stage.work { return true }
            if case .error(let error) = stage.work, error.slow != nil { return true }
            if case .call(let call) = stage.work { open.append(("GET", call.path)) }
            if case .publish(let publish) = stage.work, let worker = arm.system.consumer(of: publish.topic) {
              open += worker.routes.map { ($0.method, $0.path) }
            }
          }
        }
      }
    }
    return false
  }

  /// The share of the full time that a quick run gets.
  func timeShare(_ cell: Cell) -> Double {
    guard options.quick else { return 1 }
    guard let time = cell.blockTime, time.full > .zero else { return 0.25 }
    return min(1, time.quick.seconds / time.full.seconds)
  }
}
