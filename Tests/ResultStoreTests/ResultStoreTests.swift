import ExperimentModel
import Foundation
import Synchronization
import Testing

@testable import ResultStore

@Suite struct ResultStoreTests {
  private func withStore(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "nb-store-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder + "/results.sqlite")
  }

  private func result(_ id: String, _ value: Double) -> CellResult {
    var result = CellResult(id: id, kind: "load", inputs: "0123456789", quick: true, evidence: .real)
    result.arms = [ArmResult(name: "on", metrics: ["mean": MetricValue(Estimate(value, low: value - 1, high: value + 1), .nanoseconds)])]
    return result
  }

  private let stamp = RunStamp(finished: "2026-11-23T12:00:00Z", commit: nil, environment: ["cores": "2"])

  @Test("the newest result of each cell of a lesson, after opening the file again")
  func latest() throws {
    try withStore { path in
      do {
        let store = try ResultStore(path: path)
        try store.save(result("a", 10), lesson: "day08", stamp: stamp)
        try store.save(result("b", 20), lesson: "day08", stamp: stamp)
        try store.save(result("a", 30), lesson: "day08", stamp: stamp)
        try store.save(result("a", 99), lesson: "day09", stamp: stamp)
      }
      let store = try ResultStore(path: path)
      let latest = try store.latest(lesson: "day08")
      #expect(latest == ["a": result("a", 30), "b": result("b", 20)])
      #expect(try store.count(lesson: "day08") == 3)
    }
  }

  @Test("of many that open a new store at once, each has it")
  func opensAtOnce() throws {
    for _ in 0..<10 {
      try withStore { path in
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { index in
          do {
            try ResultStore(path: path).save(result("a\(index)", 1), lesson: "day08", stamp: stamp)
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
        #expect(failures.withLock { $0 } == [])
        let count = try ResultStore(path: path).count(lesson: "day08")
        #expect(count == 8)
      }
    }
  }

  @Test("what cannot be a store is refused with a remedy")
  func notAStore() throws {
    try withStore { path in
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let error = #expect(throws: StoreError.self) { _ = try ResultStore(path: path) }
      #expect(error?.remedy.isEmpty == false)
    }
  }
}
