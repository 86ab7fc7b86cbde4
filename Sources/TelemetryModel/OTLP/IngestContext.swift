// What both decoders carry along: the limits, the counts, and the table of strings they share.

struct IngestContext {
  let limits: OTLPLimits
  let strings: StringTable
  var report = IngestReport()
  private var elements = 0
  private var records = 0

  init(limits: OTLPLimits, strings: StringTable) {
    self.limits = limits
    self.strings = strings
  }

  /// Counts `count` values before memory is taken for them.
  @inline(__always)
  mutating func take(_ count: Int = 1) throws(OTLPError) {
    elements &+= count
    if elements > limits.elementsMax { throw over("attributes, values, events, links and buckets", limits.elementsMax) }
  }

  /// Counts a span, metric or log record before it is decoded.
  @inline(__always)
  mutating func takeRecord() throws(OTLPError) {
    try take()
    records &+= 1
    if records > limits.recordsMax { throw over("records", limits.recordsMax) }
  }

  @inline(never)
  private func over(_ what: String, _ limit: Int) -> OTLPError {
    OTLPError(.overLimit, "more than \(limit) \(what) in one request; send smaller batches")
  }
}
