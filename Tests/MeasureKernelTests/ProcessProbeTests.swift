import CKernelShims
import Foundation
import Testing

@testable import MeasureKernel

@Suite(.serialized) struct ProcessProbeTests {
  @Test("this process: memory, descriptors that are opened, CPU that is used")
  func own() throws {
    let before = ProcessProbe.read([getpid()])
    let opened = (0..<7).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
    defer { opened.forEach { close($0) } }
    var sum: UInt64 = 1
    let start = nb_thread_cpu()
    while nb_thread_cpu() - start < 30_000_000 { sum = sum &* 69_069 &+ 1 }
    let after = ProcessProbe.read([getpid()])
    let span = ProcessSpan(from: before, to: after, processes: 1)
    #expect((span.residentBytes ?? 0) > 1_000_000 && sum != 0)
    // Other tests may open some at the same time.
    #expect((after.descriptors ?? 0) >= 7 + 3)
    #expect((span.cpu ?? 0) >= 20_000_000)
  }

  @Test("a child that writes to a disk and syncs is seen from outside")
  func child() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nb-probe-\(getpid())").path
    let child = try ChildProcess(name: "dd", argv: ["/bin/sh", "-c", "read go; dd if=/dev/zero of=\(folder) bs=65536 count=16 conv=fsync 2>/dev/null; echo done; read end"])
    defer {
      child.stop()
      unlink(folder)
    }
    let before = ProcessProbe.read([child.pid])
    try child.send(line: "go")
    _ = try child.line(timeout: 20)
    let span = ProcessSpan(from: before, to: ProcessProbe.read([child.pid]), processes: 1)
    // What the shell waited for is added to its own counters; on a file system in memory nothing reaches a disk.
    #expect(span.readsAndWrites ?? 0 > 32 && span.diskBytes ?? -1 >= 0)
    #expect((span.descriptors ?? 0) >= 3)
  }

  @Test("who is gone, or never was, is unknown and not zero")
  func gone() {
    let span = ProcessSpan(from: ProcessProbe.read([999_999_999]), to: ProcessProbe.read([999_999_999]), processes: 1)
    #expect(span.cpu == nil && span.runQueueWait == nil && span.residentBytes == nil && span.descriptors == nil && span.diskBytes == nil)
  }

  @Test("a thread that has ended takes its wait with it: unknown; slices add up, and one unknown makes the sum unknown")
  func arithmetic() {
    var a = ProcessReading()
    a.threads = [1: (100, 10), 2: (50, 5)]
    a.ticks = 1_000
    var b = a
    b.threads = [1: (300, 40), 3: (70, 7)]
    b.ticks = 21_000
    let ended = ProcessSpan(from: a, to: b, processes: 1)
    #expect(ended.cpu == 20_000 && ended.runQueueWait == nil)
    b.threads[2] = (60, 6)
    let whole = ProcessSpan(from: a, to: b, processes: 1)
    #expect(whole.cpu == 200 + 70 + 10 && whole.runQueueWait == 30 + 7 + 1)
    #expect(whole.followed(by: whole).cpu == 560 && whole.followed(by: ended).runQueueWait == nil)
  }

  @Test("the listener of a port is found")
  func listener() {
    var address = nb_address()
    _ = nb_resolve("127.0.0.1", 0, 1, &address, 1)
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(socket) }
    var length = address.length
    let port = withUnsafeMutablePointer(to: &address.storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int in
        _ = bind(socket, pointer, length)
        _ = listen(socket, 1)
        _ = getsockname(socket, pointer, &length)
        return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { Int(in_port_t(bigEndian: $0.pointee.sin_port)) }
      }
    }
    #expect(ProcessProbe.listeners(port: port) == [getpid()])
    #expect(ProcessProbe.listeners(port: 1) == [])
  }
}
