import Glibc
import TelemetryModel
import Testing

@testable import TelemetryCollector

struct CaptureTests {
  /// Payloads of many sizes, with bytes that look like frames among them.
  private func payloads() -> [[UInt8]] {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    var found = (0..<60).map { _ in (0..<Int(next() % 3000)).map { _ in UInt8(truncatingIfNeeded: next()) } }
    let frame = CaptureFrame(signal: .logs, receivedUnixNano: 5, records: 3, payloadBytes: 4)
    found.append(frame.header(created: 9, offset: 24, payload: UnsafeRawBufferPointer(start: nil, count: 0)) + [1, 2, 3, 4])
    found.append([])
    return found
  }

  private func written(_ file: TemporaryFile, _ payloads: [[UInt8]]) throws {
    let writer = try CaptureWriter(file.path, now: 9)
    for (i, one) in payloads.enumerated() {
      #expect(writer.append(one, TelemetrySignal.allCases[i % 3], records: i, at: UInt64(i)) == .stored)
    }
    #expect(writer.size == file.bytes.count)
  }

  @Test func whatIsAppendedIsReadBack() throws {
    let file = TemporaryFile(), payloads = payloads()
    try written(file, payloads)
    let found = try contents(file.path)
    #expect(found.requests.map(\.payload) == payloads)
    #expect(found.requests.map(\.records) == Array(payloads.indices))
    #expect(found.requests.map(\.signal) == payloads.indices.map { TelemetrySignal.allCases[$0 % 3] })
    #expect(found.requests.map(\.receivedUnixNano) == payloads.indices.map(UInt64.init))
    #expect(found.damagedBytes == 0)
  }

  @Test func aTornTailCostsOneRequestAtEveryPlace() throws {
    let file = TemporaryFile()
    let payloads: [[UInt8]] = [[1, 2, 3], Array(repeating: 7, count: 40), [9]]
    try written(file, payloads)
    let whole = file.bytes
    let ends = payloads.reduce(into: [CaptureFormat.fileHeaderBytes]) { $0.append($0.last! + CaptureFormat.frameHeaderBytes + $1.count) }
    for cut in CaptureFormat.fileHeaderBytes...whole.count {
      file.bytes = Array(whole[..<cut])
      let found = try contents(file.path)
      let last = ends.lastIndex { $0 <= cut }!
      #expect(found.requests.map(\.payload) == Array(payloads[..<last]), "cut at \(cut)")
      #expect(found.damagedBytes == cut - ends[last])
      #expect(found.damagedPlaces == (cut == ends[last] ? 0 : 1))
    }
  }

  @Test func afterATornTailMoreIsAppendedAndRead() throws {
    let file = TemporaryFile(), payloads = payloads()
    try written(file, payloads)
    file.bytes = file.bytes.dropLast(20) + [0x0D, 0x5C]
    let writer = try CaptureWriter(file.path, now: 77)
    #expect(writer.append([5, 5, 5]) == .stored)
    let found = try contents(file.path)
    #expect(found.requests.map(\.payload) == payloads.dropLast() + [[5, 5, 5]])
    #expect(found.damagedPlaces == 1)
  }

  @Test func oneWrongBitCostsOneRequest() throws {
    let file = TemporaryFile(), payloads = Array(payloads().prefix(12))
    try written(file, payloads)
    let whole = file.bytes
    for place in stride(from: CaptureFormat.fileHeaderBytes, to: whole.count, by: 61) {
      var bytes = whole
      bytes[place] ^= 1 << UInt8(place % 8)
      file.bytes = bytes
      let found = try contents(file.path)
      #expect(found.requests.count == payloads.count - 1, "bit of byte \(place)")
      #expect(found.damagedPlaces == 1)
      #expect(found.requests.reduce(0) { $0 + $1.payload.count + 32 } + found.damagedBytes + 24 == whole.count)
    }
  }

  @Test func aFrameThatWasCopiedIsNoFrame() throws {
    let file = TemporaryFile()
    try written(file, [[1, 2, 3]])
    file.bytes = file.bytes + file.bytes.dropFirst(24)
    let found = try contents(file.path)
    #expect(found.requests.count == 1 && found.damagedBytes == 35)
  }

  @Test func sizeIsBoundedAndRefusalsAreCounted() throws {
    let file = TemporaryFile()
    var options = CaptureWriter.Options()
    options.bytesMax = 24 + 2 * (32 + 100)
    let writer = try CaptureWriter(file.path, now: 1, options: options)
    let outcomes = (0..<5).map { _ in writer.append(Array(repeating: 1, count: 100), records: 10) }
    #expect(outcomes == [.stored, .stored, .full, .full, .full])
    #expect(writer.framesStored == 2 && writer.framesRefused == 3 && writer.recordsRefused == 30)
    #expect(file.bytes.count == options.bytesMax)
  }

  @Test func whatIsNoCaptureIsNeitherReadNorTouched() throws {
    let file = TemporaryFile()
    for text in ["notes of mine, long enough for a header", "short"] {
      file.bytes = Array(text.utf8)
      #expect(throws: CollectorError.self) { try CaptureWriter(file.path, now: 1) }
      #expect(throws: CollectorError.self) { try contents(file.path) }
      #expect(file.bytes == Array(text.utf8))
    }
    #expect(throws: CollectorError.self) { try contents("/tmp/there is no such file") }
  }

  @Test func aSecondWriterIsRefused() throws {
    let file = TemporaryFile()
    let writer = try CaptureWriter(file.path, now: 1)
    #expect(throws: CollectorError.self) { try CaptureWriter(file.path, now: 1) }
    #expect(writer.append([1]) == .stored)
  }
}
