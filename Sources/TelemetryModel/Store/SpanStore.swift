// The last spans that came in, in memory, for questions. Bounded by number and by bytes: the oldest go first, a chunk at a
// time, and are counted. Taking spans in is an append; who asks for a trace pays for the index.
//
//   chunks   [ 4096 spans ][ 4096 spans ] … [ 17 spans ]      a span's place is its number since the beginning
//            ↑ goes first                    ↑ new ones

public struct SpanStore {
  public struct Limits: Hashable, Sendable {
    public var spansMax = 1_000_000
    /// An estimate from the sizes of the parts, not what the allocator says.
    public var bytesMax = 1 << 30
    public init() {}
  }

  private static let chunkSpans = 4096

  public let limits: Limits
  /// Spans that had to go.
  public private(set) var evicted = 0
  /// Bytes of what is kept, estimated.
  public private(set) var bytes = 0
  private var chunks: [Chunk] = []
  private var origins = OriginTable()
  private var index: [TraceID: [Int]] = [:]
  /// Spans up to this number are in the index.
  private var indexed = 0
  /// What `evicted` was when the index was last made anew.
  private var evictedWhenIndexed = 0

  private struct Chunk {
    var spans: [OriginatedSpan] = []
    var bytes = 0
  }

  public init(limits: Limits = Limits()) { self.limits = limits }

  public var count: Int { chunks.isEmpty ? 0 : (chunks.count - 1) * Self.chunkSpans + (chunks.last?.spans.count ?? 0) }

  /// Takes the spans of a request in.
  public mutating func append(_ batch: TraceBatch) {
    for group in batch.resources {
      for scope in group.scopes where !scope.records.isEmpty {
        let origin = origins.origin(group, scope)
        for span in scope.records { append(OriginatedSpan(span, origin)) }
      }
    }
  }

  public mutating func append(_ one: OriginatedSpan) {
    if chunks.last.map({ $0.spans.count == Self.chunkSpans }) ?? true {
      chunks.append(Chunk())
      chunks[chunks.count - 1].spans.reserveCapacity(Self.chunkSpans)
    }
    let size = one.span.approximateBytes
    let last = chunks.count - 1
    chunks[last].spans.append(one)
    chunks[last].bytes += size
    bytes += size
    while count > limits.spansMax || bytes > limits.bytesMax, let first = chunks.first {
      if chunks.count == 1 {
        evictWithinOnlyChunk()
      } else {
        evicted += first.spans.count
        bytes -= first.bytes
        chunks.removeFirst()
      }
    }
  }

  /// Limits below one chunk are for tests and small machines; half of what is there goes, at least one span.
  private mutating func evictWithinOnlyChunk() {
    let going = max(1, chunks[0].spans.count / 2)
    let size = chunks[0].spans[..<going].reduce(0) { $0 + $1.span.approximateBytes }
    chunks[0].spans.removeFirst(going)
    chunks[0].bytes -= size
    bytes -= size
    evicted += going
    // Places are counted in whole chunks, so the index starts over.
    index.removeAll()
    indexed = evicted
    if chunks[0].spans.isEmpty { chunks.removeAll() }
  }

  // MARK: Questions

  /// Every span, oldest first.
  public func forEach(_ body: (OriginatedSpan) throws -> Void) rethrows {
    for chunk in chunks {
      for one in chunk.spans { try body(one) }
    }
  }

  /// Those that the question is about, oldest first, at most `max` of them.
  public func spans(max: Int = .max, where matches: (OriginatedSpan) -> Bool) -> [OriginatedSpan] {
    var found: [OriginatedSpan] = []
    for chunk in chunks {
      for one in chunk.spans where matches(one) {
        if found.count == max { return found }
        found.append(one)
      }
    }
    return found
  }

  /// The spans of one trace, in the order in which they came.
  public mutating func trace(_ id: TraceID) -> [OriginatedSpan] {
    updateIndex()
    return (index[id] ?? []).compactMap(span(at:))
  }

  /// Every trace that has a span here, in no particular order.
  public mutating func traceIDs() -> [TraceID] {
    updateIndex()
    return index.compactMap { id, places in places.last.map { $0 >= evicted } ?? false ? id : nil }
  }

  private func span(at place: Int) -> OriginatedSpan? {
    guard place >= evicted else { return nil }
    let offset = place - evicted
    return chunks[offset / Self.chunkSpans].spans[offset % Self.chunkSpans]
  }

  /// Adds what came since the last question. Made anew when more than half of what it names is gone.
  private mutating func updateIndex() {
    if evicted - evictedWhenIndexed > count {
      index.removeAll(keepingCapacity: true)
      indexed = evicted
      evictedWhenIndexed = evicted
    }
    indexed = max(indexed, evicted)
    while indexed < evicted + count, let one = span(at: indexed) {
      index[one.span.traceID, default: []].append(indexed)
      indexed += 1
    }
  }
}

extension Span {
  /// What the span takes in memory, roughly: its own fields, its lists, and texts beyond the 15 bytes that need no memory.
  /// Texts that many spans share count in each of them.
  public var approximateBytes: Int {
    var bytes = MemoryLayout<OriginatedSpan>.stride + Self.bytes(name) + Self.bytes(traceState) + Self.bytes(status.message)
    bytes += Self.bytes(attributes)
    for event in events { bytes += MemoryLayout<SpanEvent>.stride + Self.bytes(event.name) + Self.bytes(event.attributes) }
    for link in links { bytes += MemoryLayout<SpanLink>.stride + Self.bytes(link.traceState) + Self.bytes(link.attributes) }
    return bytes
  }

  @inline(__always)
  private static func bytes(_ text: String) -> Int {
    let count = text.utf8.count
    return count > 15 ? count + 32 : 0
  }

  private static func bytes(_ attributes: [Attribute]) -> Int {
    var bytes = attributes.isEmpty ? 0 : 32
    for attribute in attributes { bytes += MemoryLayout<Attribute>.stride + Self.bytes(attribute.key) + Self.bytes(attribute.value) }
    return bytes
  }

  private static func bytes(_ value: AttributeValue) -> Int {
    switch value {
    case .string(let text): bytes(text)
    case .bytes(let data): data.count + 32
    case .array(let values): values.reduce(32) { $0 + MemoryLayout<AttributeValue>.stride + bytes($1) }
    case .map(let values): bytes(values)
    case .empty, .bool, .int, .double: 0
    }
  }
}
