// What a load block leaves for the blocks that ask its recording: every request's time and outcome, and the lab's memory.
// Kept while a run lasts; a results file could not hold it.

import ExperimentModel
import LoadKernel
import TelemetryModel

/// One request, by the time at which it was answered or failed.
struct RecordedRequest: Hashable, Sendable {
  var at: Nanoseconds
  /// From the intended send; nil: it failed.
  var duration: Nanoseconds?
}

/// The lab's resident memory at a moment of the run.
struct MemorySample: Hashable, Sendable {
  var at: Nanoseconds
  var requests: Double
  var bytes: Double
}

struct LoadRecording: Sendable {
  var requests: [RecordedRequest] = []
  var memory: [MemorySample] = []
  var elapsed = Nanoseconds.zero
  /// Requests whose times are not known one by one: too many shared a window.
  var guessed = 0
  /// Of the block's only arm.
  var metrics: [String: MetricValue] = [:]
}

/// What the roles of a lab said of themselves during a load block; of the runs and arms of a block one after the other.
public struct RecordedTelemetry: Hashable, Sendable {
  public var traces = TraceBatch()
  public var logs = LogBatch()
  /// Histograms of one drain each: those of one series add up.
  public var metrics = MetricBatch()
  /// Spans and log records that found no room.
  public var dropped = 0
  /// Of the traces as they left the lab: OTLP as Protobuf, not compressed.
  public var traceBytes = 0
  public init() {}

  mutating func append(_ other: RecordedTelemetry) {
    traces.resources += other.traces.resources
    logs.resources += other.logs.resources
    metrics.resources += other.metrics.resources
    dropped += other.dropped
    traceBytes += other.traceBytes
  }
}

extension LoadRecording {
  /// Said when more than 1 % of the times are not known one by one.
  var guessDoubt: Doubt? {
    guard guessed * 100 > requests.count else { return nil }
    return Doubt(
      id: "guessed", text: "\(guessed) of \(requests.count) recorded times are means of their neighbours: load fewer requests, or a shorter time")
  }
}

final class Recordings {
  /// Blocks whose requests are kept.
  var wanted: Set<String> = []
  private var kept: [String: LoadRecording] = [:]

  func keep(_ recording: LoadRecording, of block: String) { kept[block] = recording }

  private var told: [String: [String: RecordedTelemetry]] = [:]

  /// Adds what a slice of an arm recorded.
  func keep(_ telemetry: RecordedTelemetry, of block: String, arm: String) { told[block, default: [:]][arm, default: RecordedTelemetry()].append(telemetry) }

  /// - Parameter arm: nil: the block's only one.
  /// - Throws: `CellFailure` when that block did not run in this run, or its system records nothing.
  func telemetry(of block: String, arm: String? = nil) throws(CellFailure) -> RecordedTelemetry {
    if let arms = told[block], let found = arm.map({ arms[$0] }) ?? (arms.count == 1 ? arms.values.first : nil) { return found }
    throw CellFailure(
      "there is no telemetry of `\(block)` in this run",
      remedy: "run it again together with that block, and let its system record: `telemetry: {traces: 1, logs: true, metrics: true}`")
  }

  private var captures: [String: TelemetryCapture] = [:]

  /// The same, laid out for queries; made once.
  func capture(of block: String, arm: String? = nil) throws(CellFailure) -> TelemetryCapture {
    let key = block + "/" + (arm ?? "")
    if let known = captures[key] { return known }
    let told = try telemetry(of: block, arm: arm)
    let capture = TelemetryCapture(traces: [told.traces], logs: [told.logs], metrics: [told.metrics])
    captures[key] = capture
    return capture
  }

  func recording(of block: String) throws(CellFailure) -> LoadRecording {
    if let recording = kept[block] { return recording }
    throw CellFailure("there is no recording of `\(block)` in this run", remedy: "run it again together with that block")
  }
}

extension Work {
  /// The load block whose recording this one asks for; it runs again with it, since no file holds a recording.
  public var recordingSource: String? {
    switch self {
    case .slo(let slo): if case .load(let block) = slo.source { block } else { nil }
    case .observe(let observe): observe.source
    default: nil
    }
  }
}

extension LoadRecord {
  /// As short as the kernel's 4,096 windows allow, with a second for answers after the plan's end. Up to some four thousand
  /// requests hardly ever more than three answers share a window, and then each of them is known.
  static func recordingWindow(_ duration: Nanoseconds) -> Nanoseconds { Nanoseconds(max(100_000, (duration.rawValue + 1_000_000_000) / 4_000)) }

  /// Takes the requests out of short windows, and puts windows of the usual length in their place.
  ///
  /// A window has its count, its mean, its lower median and its largest value: up to three values follow from them. Of more,
  /// those between are taken to be equal, and counted as `guessed`.
  mutating func takeRequests(windowLength usual: Nanoseconds) -> (requests: [RecordedRequest], guessed: Int) {
    guard var empty = windows.first else { return ([], 0) }
    var guessed = 0
    empty.completed = 0
    empty.failed = 0
    empty.hits = 0
    empty.misses = 0
    empty.mean = 0
    empty.p50 = .zero
    empty.p99 = .zero
    var requests: [RecordedRequest] = []
    var coarse: [LoadWindow] = []
    var times: [[Double]] = []
    for window in windows {
      let values = Self.values(window)
      guessed += max(0, values.count - 3)
      requests += values.map { RecordedRequest(at: window.start, duration: Nanoseconds(Int64($0.rounded()))) }
      requests += (0..<window.failed).map { _ in RecordedRequest(at: window.start, duration: nil) }
      let index = Int(window.start.rawValue / max(1, usual.rawValue))
      while coarse.count <= index {
        empty.start = Nanoseconds(Int64(coarse.count) * usual.rawValue)
        coarse.append(empty)
        times.append([])
      }
      coarse[index].completed += window.completed
      coarse[index].failed += window.failed
      coarse[index].hits += window.hits
      coarse[index].misses += window.misses
      times[index] += values
    }
    for index in coarse.indices where !times[index].isEmpty {
      let sorted = times[index].sorted()
      coarse[index].mean = sorted.reduce(0, +) / Double(sorted.count)
      coarse[index].p50 = Nanoseconds(Int64(sorted[(sorted.count - 1) / 2]))
      coarse[index].p99 = Nanoseconds(Int64(sorted[max(0, Int((0.99 * Double(sorted.count)).rounded(.up)) - 1)]))
    }
    windows = coarse
    windowLength = usual
    return (requests, guessed)
  }

  static func values(_ window: LoadWindow) -> [Double] {
    let (n, sum) = (window.completed, window.mean * Double(window.completed))
    let (middle, most) = (Double(window.p50.rawValue), Double(window.p99.rawValue))
    switch n {
    case 0: return []
    case 1: return [sum]
    case 2: return [middle, most]
    default: return [middle, most] + Array(repeating: max(0, (sum - middle - most) / Double(n - 2)), count: n - 2)
    }
  }
}
