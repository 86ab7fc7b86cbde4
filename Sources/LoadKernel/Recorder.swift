// Counts what happened. Three histograms for the run and one small one for the window in progress;
// constant memory, no allocation but one window each 100 ms.

import ExperimentModel
import Statistics

struct Recorder {
  private(set) var record = LoadRecord()
  private let start: Int64
  private let windowLength: Int64
  private var window: LoadWindow
  private var windowSum = 0.0
  private var windowTimes: [Int64] = []
  private var windowEnd: Int64
  private var inFlightArea = 0.0

  init(start: Int64, windowLength: Nanoseconds) {
    self.start = start
    self.windowLength = windowLength.rawValue
    window = LoadWindow(start: .zero)
    windowEnd = start + windowLength.rawValue
    record.windowLength = windowLength
    windowTimes.reserveCapacity(16_384)
  }

  var answered: Int { record.completed + record.failed }

  mutating func sent(lag: Int64?, bytes: Int) {
    record.sent += 1
    record.bytesOut += bytes
    if let lag { record.sendLag.record(lag) }
  }

  mutating func answered(intended: Int64, sent: Int64, now: Int64, status: Int, cache: Int) {
    roll(now)
    record.statuses[status, default: 0] += 1
    inFlightArea += Double(now - intended)
    if status >= 400 {
      count("status")
      return
    }
    record.response.record(now - intended)
    record.service.record(now - sent)
    record.completed += 1
    window.completed += 1
    windowSum += Double(now - intended)
    windowTimes.append(now - intended)
    if cache == 1 {
      record.hits += 1
      window.hits += 1
    } else if cache == 2 {
      record.misses += 1
      window.misses += 1
    }
  }

  mutating func received(_ bytes: Int) { record.bytesIn += bytes }

  mutating func failed(_ kind: String, now: Int64) {
    roll(now)
    count(kind)
  }

  private mutating func count(_ kind: String) {
    record.failed += 1
    window.failed += 1
    record.errors[kind, default: 0] += 1
  }

  private mutating func roll(_ now: Int64) {
    while now >= windowEnd {
      close()
      window = LoadWindow(start: Nanoseconds(windowEnd - start))
      windowEnd += windowLength
    }
  }

  private mutating func close() {
    if window.completed > 0 {
      window.mean = windowSum / Double(window.completed)
      windowTimes.sort()
      window.p50 = Nanoseconds(windowTimes[(windowTimes.count - 1) / 2])
      window.p99 = Nanoseconds(windowTimes[max(0, Int((0.99 * Double(windowTimes.count)).rounded(.up)) - 1)])
    }
    record.windows.append(window)
    windowSum = 0
    windowTimes.removeAll(keepingCapacity: true)
  }

  mutating func finish(now: Int64, cpu: Int64, plannedRate: Double?) -> LoadRecord {
    roll(now)
    if window.completed + window.failed > 0 { close() }
    record.elapsed = Nanoseconds(max(1, now - start))
    record.generatorCPUShare = Double(cpu) / Double(record.elapsed.rawValue)
    record.achievedRate = Double(answered) / record.elapsed.seconds
    record.inFlightMean = inFlightArea / Double(record.elapsed.rawValue)
    record.plannedRate = plannedRate
    return record
  }
}
