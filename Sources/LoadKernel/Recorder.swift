// Counts what happened. Three histograms for the run and one small one for the window in progress; fixed arrays for
// statuses, kinds of error and names. Constant memory: a run of a million requests and one of a thousand million need
// the same. Budget: about 40 ns a request, no allocation but one window each 10 ms or longer.

import ExperimentModel
import Statistics

final class Recorder {
  /// More windows than this are folded in pairs, so that a run without an end stays in its memory.
  private static let windowsMax = 4_096

  // One thread, and nothing here calls back: no need to check accesses for overlaps at run time.
  @exclusivity(unchecked) private(set) var record = LoadRecord()
  private let start: Int64
  private var windowLength: Int64
  @exclusivity(unchecked) private var window: LoadWindow
  @exclusivity(unchecked) private var windowSum = 0.0
  @exclusivity(unchecked) private var windowTimes = Histogram(bits: 8)
  private var windowEnd: Int64
  private var batches = BatchCollector()
  /// Nanoseconds that ended requests were under way, in all and inside the run's window.
  @exclusivity(unchecked) private var residence: Int64 = 0
  @exclusivity(unchecked) private var residenceInside: Int64 = 0
  private let statuses: UnsafeMutablePointer<Int>
  private let errors: UnsafeMutablePointer<Int>
  private let connectErrors: UnsafeMutablePointer<Int>
  private var examples: [String?]
  @exclusivity(unchecked) private var named: [NamedRecord]
  /// The stop rule's quantile of each window, as long as there is a rule.
  let seriesQuantile: Double?
  @exclusivity(unchecked) private var parts: PartRecorder?
  private(set) var series: [Double] = []
  @exclusivity(unchecked) var raw: RawLog
  private let requestNames: [String]
  var keepsRaw: Bool { raw.isOn }

  init(
    start: Int64, windowLength: Nanoseconds, named: [NamedRecord] = [], seriesQuantile: Double? = nil, parts: PartRecorder? = nil,
    raw: consuming RawLog = RawLog(capacity: 0), requestNames: [String] = []
  ) {
    self.parts = parts
    self.start = start
    self.windowLength = max(1, windowLength.rawValue)
    self.named = named
    self.seriesQuantile = seriesQuantile
    self.requestNames = requestNames
    self.raw = raw
    window = LoadWindow(start: .zero)
    windowEnd = start + self.windowLength
    statuses = .allocate(capacity: 1_000)
    statuses.initialize(repeating: 0, count: 1_000)
    errors = .allocate(capacity: ErrorKind.allCases.count)
    errors.initialize(repeating: 0, count: ErrorKind.allCases.count)
    connectErrors = .allocate(capacity: ErrorKind.allCases.count)
    connectErrors.initialize(repeating: 0, count: ErrorKind.allCases.count)
    examples = [String?](repeating: nil, count: ErrorKind.allCases.count)
    record.windows.reserveCapacity(256)
  }

  deinit {
    statuses.deallocate()
    errors.deallocate()
    connectErrors.deallocate()
  }

  var answered: Int { record.completed + record.failed }
  var failed: Int { record.failed }
  func lacksExample(_ kind: ErrorKind) -> Bool { examples[Int(kind.rawValue)] == nil }
  func keepExample(_ kind: ErrorKind, _ text: String) { examples[Int(kind.rawValue)] = text }

  /// - Parameter lag: actual minus intended send; nil where no time was intended or the request waited for a connection.
  @inline(__always)
  func sent(lag: Int64?, waited: Bool, bytes: Int) {
    record.sent += 1
    record.bytesOut += bytes
    if let lag { record.sendLag.record(lag) }
    if waited { record.waited += 1 }
  }

  /// An answer that counts as good.
  func completed(name: Int, intended: Int64, sent: Int64, now: Int64, status: Int, cache: Int) {
    if now >= windowEnd { roll(now) }
    if status < 1_000 { statuses[status] += 1 }
    let response = max(0, now - intended)
    record.response.record(response)
    record.service.record(max(0, now - sent))
    record.completed += 1
    parts?.completed(response, now: now)
    window.completed += 1
    windowSum += Double(response)
    windowTimes.record(response)
    if !named.isEmpty {
      named[name].completed += 1
      named[name].response.record(response)
    }
    if cache == 1 {
      record.hits += 1
      window.hits += 1
    } else if cache == 2 {
      record.misses += 1
      window.misses += 1
    }
  }

  /// An answer that is a failure by its status or a check.
  func rejected(_ kind: ErrorKind, name: Int, now: Int64, status: Int) {
    if status < 1_000 { statuses[status] += 1 }
    failed(kind, name: name, now: now)
  }

  /// However a request ended, it was under way for so long; `inside`: as far as that lies in the run's window.
  @inline(__always)
  func resided(_ time: Int64, inside: Int64) {
    residence &+= time
    residenceInside &+= inside
  }

  /// An answer to a request with checks.
  func checked(name: Int, passed: Bool, now: Int64) {
    record.checked += 1
    parts?.checked(passed: passed, now: now)
    if passed { record.passed += 1 }
    guard !named.isEmpty else { return }
    named[name].checked += 1
    if passed { named[name].passed += 1 }
  }

  func received(_ bytes: Int) { record.bytesIn += bytes }

  func failed(_ kind: ErrorKind, name: Int, now: Int64) {
    if now >= windowEnd { roll(now) }
    record.failed += 1
    parts?.failed(now: now)
    window.failed += 1
    errors[Int(kind.rawValue)] += 1
    if !named.isEmpty { named[name].failed += 1 }
  }

  func unsent() { record.unsent += 1 }
  func stamped() { record.stamped += 1 }
  func opened() { record.connectionsOpened += 1 }
  func connectFailed(_ kind: ErrorKind) {
    record.connectionsFailed += 1
    connectErrors[Int(kind.rawValue)] += 1
  }
  /// More came than was asked for.
  func unasked(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
    record.unasked += 1
    if record.unaskedExample == nil { record.unaskedExample = FailureText.shown(bytes, count) }
  }

  // MARK: Windows

  private func roll(_ now: Int64) {
    // A clock that jumps must not open a window for each 10 ms of its jump.
    if now - windowEnd > windowLength * Int64(Self.windowsMax) {
      close()
      windowEnd += (now - windowEnd) / windowLength * windowLength
      window = LoadWindow(start: Nanoseconds(windowEnd - start))
      windowEnd += windowLength
      return
    }
    while now >= windowEnd {
      close()
      window = LoadWindow(start: Nanoseconds(windowEnd - start))
      windowEnd += windowLength
    }
  }

  private func close() {
    if window.completed > 0 {
      window.mean = windowSum / Double(window.completed)
      window.p50 = Nanoseconds(windowTimes.quantile(0.5))
      window.p99 = Nanoseconds(windowTimes.quantile(0.99))
      if let seriesQuantile, series.count < Self.windowsMax { series.append(Double(windowTimes.quantile(seriesQuantile))) }
    }
    record.windows.append(window)
    batches.close(windowTimes)
    windowSum = 0
    windowTimes.removeAll()
    if record.windows.count == Self.windowsMax { fold() }
  }

  private func fold() {
    for i in 0..<Self.windowsMax / 2 {
      record.windows[i] = record.windows[2 * i]
      record.windows[i].add(record.windows[2 * i + 1])
    }
    record.windows.removeLast(Self.windowsMax / 2)
    windowLength *= 2
    batches.windowsFolded()
  }

  /// - Parameters:
  ///   - span: nanoseconds that the figures refer to.
  ///   - counted: requests × nanoseconds in flight, as the loop counted them.
  ///   - unfinished: nanoseconds inside the window of requests that have not ended, by their begins.
  func finish(
    now: Int64, span: Int64, cpu: Int64, work: Int64, plannedRate: Double?, counted: Int64, unfinished: Int64
  ) -> LoadRecord {
    if now >= windowEnd { roll(now) }
    if window.completed + window.failed > 0 { close() }
    let seconds = Double(max(1, span)) / 1e9
    record.windowLength = Nanoseconds(windowLength)
    record.elapsed = Nanoseconds(max(1, span))
    record.generatorCPUShare = Double(cpu) / Double(max(1, now - start))
    record.generatorWorkShare = Double(min(work, cpu)) / Double(max(1, now - start))
    record.achievedRate = Double(answered - record.unsent) / seconds
    record.inFlightMean = Double(residence) / Double(max(1, span))
    record.inFlightCounted = Double(counted) / Double(max(1, span))
    record.inFlightExplained = Double(residenceInside &+ unfinished) / Double(max(1, span))
    record.plannedRate = plannedRate
    for status in 0..<1_000 where statuses[status] > 0 { record.statuses[status] = statuses[status] }
    for kind in ErrorKind.allCases {
      let i = Int(kind.rawValue)
      if errors[i] > 0 { record.errors[kind.name] = errors[i] }
      if connectErrors[i] > 0 { record.connectErrors[kind.name] = connectErrors[i] }
      if let text = examples[i] { record.examples[kind.name] = text }
    }
    record.named = named
    record.raw = raw.samples(start: start, names: requestNames)
    record.batches = batches.batches
    if var parts {
      record.parts = parts.finish(now: now)
      self.parts = nil
    }
    return record
  }

  /// What was opened before the clock started.
  func openedBefore(_ other: Recorder) {
    record.connectionsOpened = other.record.connectionsOpened
    record.connectionsFailed = other.record.connectionsFailed
    for i in 0..<ErrorKind.allCases.count { connectErrors[i] = other.connectErrors[i] }
  }
  func planned(_ planned: Int, begun: Int) {
    record.planned = planned
    record.begun = begun
  }
  func clockSteps(_ steps: Int) { record.clockSteps = steps }
  func partial() { record.isPartial = true }
  func stopped(_ interval: Interval) { record.stopped = interval }
  func aborted(_ text: String) {
    record.aborted = text
    record.isPartial = true
  }
}
