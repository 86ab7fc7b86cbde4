import ExperimentModel
import Testing

@testable import ExperimentRunner
@testable import LoadKernel

/// Single requests out of the kernel's windows.
@Suite struct RecordingTests {
  /// A window as the kernel closes it.
  private func window(_ start: Int64, _ times: [Double], failed: Int = 0) -> LoadWindow {
    var window = LoadWindow(start: Nanoseconds(start))
    let sorted = times.sorted()
    window.completed = times.count
    window.failed = failed
    guard !sorted.isEmpty else { return window }
    window.mean = sorted.reduce(0, +) / Double(sorted.count)
    window.p50 = Nanoseconds(Int64(sorted[(sorted.count + 1) / 2 - 1]))
    window.p99 = Nanoseconds(Int64(sorted[sorted.count - 1]))
    return window
  }

  @Test("up to three times are known one by one", arguments: [[], [7], [3, 9], [9, 3, 4], [5, 5, 5]] as [[Double]])
  func exact(_ times: [Double]) {
    #expect(LoadRecord.values(window(0, times)).sorted() == times.sorted())
  }

  @Test func moreKeepTheirSumAndTheirLargest() {
    let values = LoadRecord.values(window(0, [1, 2, 3, 4, 90]))
    #expect(values.count == 5 && values.max() == 90 && abs(values.reduce(0, +) - 100) < 1e-9)
  }

  @Test func shortWindowsBecomeRequestsAndUsualWindows() {
    var record = LoadRecord()
    record.windows = [window(0, [10, 30]), window(1, [], failed: 1), window(2, [50]), window(3, []), window(4, [1, 2, 3, 4])]
    record.windowLength = Nanoseconds(1)
    let (requests, guessed) = record.takeRequests(windowLength: Nanoseconds(4))
    #expect(guessed == 1 && requests.count == 8)
    #expect(requests.filter { $0.duration == nil }.map(\.at) == [Nanoseconds(1)])
    #expect(record.windowLength == Nanoseconds(4) && record.windows.map(\.completed) == [3, 4] && record.windows.map(\.failed) == [1, 0])
    #expect(record.windows[0].mean == 30 && record.windows[0].p50 == Nanoseconds(30) && record.windows[0].p99 == Nanoseconds(50))
  }

  @Test("a recording fits into the kernel's windows with a second for late answers", arguments: [0.2, 1, 4, 10, 60, 600])
  func windows(_ seconds: Double) {
    let length = LoadRecord.recordingWindow(Nanoseconds(seconds: seconds)).seconds
    #expect((seconds + 1) / length <= 4_096 && length >= 1e-4)
  }
}
