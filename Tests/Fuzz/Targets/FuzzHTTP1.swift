// Any bytes as the answers of a server, in one piece and in pieces of every size: the same answers.

import LoadKernel

@Sendable public func fuzzHTTP1(_ bytes: UnsafeRawBufferPointer) throws {
  var choices = Choices(bytes)
  for isHead in [false, true] {
    let whole = Answers(of: bytes, isHead: isHead) { bytes.count }
    for size in [1, 2, 7] { try require(Answers(of: bytes, isHead: isHead) { size } == whole, "pieces of \(size) bytes are the same answers") }
    try require(Answers(of: bytes, isHead: isHead) { 1 + choices.next(40) } == whole, "pieces of any size are the same answers")
  }
  for path in ["$", "$.a", "$.a[0]", "$[\"b\"].c", "$[1][1]"] {
    guard let path = JSONPath(path), let start = bytes.bindMemory(to: UInt8.self).baseAddress else { continue }
    if let found = path.find(start, bytes.count) {
      try require(found.start >= 0 && found.count >= 0 && found.start + found.count <= bytes.count, "a value lies in its text")
    }
  }
}

/// What a connection makes of a stream: it keeps what is not yet used, and stops at what is no HTTP.
private struct Answers: Equatable {
  struct One: Equatable {
    var status: Int
    var cache: Int
    var keepsAlive: Bool
    var head: [UInt8]
    var body: [UInt8]
    var isCut: Bool
  }
  private var all: [One] = []
  private var last = ResponseParser.Event.needMore
  private var isWholeAtEnd = false

  init(of bytes: UnsafeRawBufferPointer, isHead: Bool, piece: () -> Int) {
    var parser = ResponseParser()
    parser.isHead = isHead
    let sink = ResponseSink()
    var kept: [UInt8] = []
    var next = 0
    repeat {
      let end = min(bytes.count, next + max(1, piece()))
      kept += bytes[next..<end]
      next = end
      take(&kept, &parser, sink)
    } while next < bytes.count && last == .needMore
    guard last == .needMore else { return }
    isWholeAtEnd = parser.isIdle && kept.isEmpty || parser.end() == .done
    if isWholeAtEnd, !sink.headBytes.isEmpty { add(parser, sink) }
  }

  private mutating func take(_ kept: inout [UInt8], _ parser: inout ResponseParser, _ sink: ResponseSink) {
    while true {
      var used = 0
      // A copy of exactly this size, so that a read beyond it is seen.
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(kept.count, 1))
      defer { copy.deallocate() }
      copy.initialize(from: kept, count: kept.count)
      last = parser.consume(copy, kept.count, used: &used, sink: sink)
      kept.removeFirst(used)
      guard last == .done else { return }
      add(parser, sink)
      sink.reset()
    }
  }

  private mutating func add(_ parser: ResponseParser, _ sink: ResponseSink) {
    all.append(
      One(status: parser.status, cache: parser.cache, keepsAlive: parser.keepAlive, head: sink.headBytes, body: sink.bodyBytes, isCut: sink.isCut))
  }
}
