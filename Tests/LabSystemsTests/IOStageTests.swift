import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

@Suite struct IOStageTests {
  private func spec(
    _ operation: IOSpec.Operation, size: Int = 4096, direct: Bool = false, depth: Int = 1, access: IOSpec.Access = .random
  ) -> IOSpec {
    IOSpec(operation: operation, size: size, direct: direct, depth: depth, access: access, file: 1 << 20)
  }

  private func system(_ spec: IOSpec, workers: Int = 4) -> SystemSpec {
    Sample.system(
      workers: workers, rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [StageSpec(name: "disk", work: .io(spec))])])
  }

  private func run(_ spec: IOSpec, requests: Int) throws -> LabCore {
    let environment = VirtualEnvironment()
    let core = try LabCore(system(spec), environment: environment)
    let client = Collector(environment)
    for tag in 0..<requests { client.send(core, "GET", "/", tag: tag) }
    environment.advance(by: 1_000_000_000)
    #expect(client.seen.count == requests && client.seen.allSatisfy { $0.status == 200 }, "\(client.seen.map(\.body))")
    return core
  }

  @Test(arguments: IOSpec.Operation.allCases, [1, 8])
  func everyOperationIsCounted(operation: IOSpec.Operation, depth: Int) throws {
    let core = try run(spec(operation, size: 8192, depth: depth), requests: 50)
    #expect(core.counter("disk.calls") == 50 && core.counter("disk.ops") == 50 * depth)
    #expect(core.counter("disk.bytes") == 50 * depth * 8192 && core.counter("disk.errors") == 0)
    #expect(core.counter("disk.fsyncs") == (operation == .fsync ? 50 * depth : 0))
    // A microsecond each on the virtual clock, all of a request at once.
    #expect(core.counter("disk.waited_ns") >= 50 * depth * 1_000)
    core.stages.forEach { $0.resetCounters() }
    #expect(core.counter("disk.ops") == 0 && core.counter("disk.waited_ns") == 0)
  }

  @Test func oddSizesAndSequencesReadWhatWasWritten() throws {
    for size in [1, 7, 100, 4097, 1 << 20] {
      for access in IOSpec.Access.allCases {
        _ = try run(spec(.write, size: size, access: access), requests: 20)
        _ = try run(spec(.read, size: size, access: access), requests: 20)
      }
    }
  }

  /// Pages are checked when they are read: a foreign byte is an error, and a write puts the page's number back.
  @Test func aReadIsChecked() throws {
    let file = try SeededFile(size: 10 * 4096, direct: false, seed: 5, place: "test")
    let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 4096)
    defer { page.deallocate() }
    for place in [3, 0, 9] {
      #expect(file.read(page, at: place * 4096) == .done(bytes: 4096, fsyncs: 0))
      #expect(page.load(as: UInt64.self) == SeededFile.stamp(place * 4096))
      page.storeBytes(of: 0, as: UInt64.self)
      #expect(file.write(page, at: place * 4096, sync: true) == .done(bytes: 4096, fsyncs: 1))
      #expect(file.read(page, at: place * 4096) == .done(bytes: 4096, fsyncs: 0))
    }
    // The same bytes at another place are wrong.
    let shifted = UnsafeMutableRawBufferPointer(rebasing: page[...])
    shifted.storeBytes(of: 1, as: UInt64.self)
    #expect(file.write(UnsafeMutableRawBufferPointer(rebasing: shifted[0..<7]), at: 8192, sync: false) == .done(bytes: 7, fsyncs: 0))
    guard case .failed(let reason) = file.read(page, at: 8192) else {
      Issue.record("a damaged page was read as good")
      return
    }
    #expect(reason.contains("page 2"))
  }

  @Test func directPassesThePageCacheWhereThereIsADisk() throws {
    guard let folder = SeededFile.folders.first(where: { access($0, W_OK) == 0 && (try? direct(in: $0)) != nil }) else {
      print("skipped: no folder here takes O_DIRECT")
      return
    }
    let core = try run(spec(.read, direct: true, depth: 4), requests: 20)
    #expect(core.counter("disk.bytes") == 20 * 4 * 4096, "in \(folder)")
    #expect(try run(spec(.fsync, direct: true), requests: 5).counter("disk.fsyncs") == 5)
  }

  private func direct(in folder: String) throws -> SeededFile {
    try SeededFile(size: 4096, direct: true, seed: 1, folders: [folder], place: "test")
  }

  @Test func memoryIsNoDisk() throws {
    guard let buffered = try? SeededFile(size: 4096, direct: false, seed: 1, folders: ["/dev/shm"], place: "test"), buffered.isOnTmpfs else {
      print("skipped: /dev/shm is no tmpfs here")
      return
    }
    do {
      _ = try direct(in: "/dev/shm")
      Issue.record("`direct` in memory was not refused")
    } catch let error as LabError {
      #expect(error.cause.contains("in memory") && error.remedy.contains("TMPDIR"))
    }
    #expect(throws: LabError.self) { try direct(in: "/nowhere") }
  }

  @Test func theFileHasNoName() throws {
    func names() -> Set<String> {
      Set(SeededFile.folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }.filter { $0.hasPrefix("nb-io-") })
    }
    // What a killed process left behind is not ours.
    let before = names()
    let file = try SeededFile(size: 1 << 20, direct: false, seed: 5, place: "test")
    // Others of this suite make files at the same time; none of them is there for long.
    var left = names().subtracting(before)
    for _ in 0..<100 where !left.isEmpty { usleep(10_000); left.formIntersection(names()) }
    #expect(left.isEmpty && file.size == 1 << 20)
  }

  @Test func whatCannotBeServedIsRefused() {
    var unaligned = spec(.read, size: 1000, direct: true)
    #expect(throws: LabError.self) { try LabCore(system(unaligned), environment: VirtualEnvironment()) }
    unaligned.direct = false
    for (depth, size) in [(0, 4096), (65, 4096), (1, 0), (1, 2 << 20)] {
      #expect(throws: LabError.self) { try LabCore(system(spec(.read, size: size, depth: depth)), environment: VirtualEnvironment()) }
    }
  }

  /// Every operation of a depth has a thread, or the depth would be a word.
  @Test func threadsFollowTheDepth() {
    #expect(system(spec(.read, depth: 16), workers: 1).threadsWanted == 17)
    #expect(system(spec(.read, depth: 16), workers: 2).threadsWanted == 33)
    #expect(system(spec(.read, depth: 64), workers: 32).threadsWanted == 65)
  }
}
