// What a referee is asked to do: where it listens, how it serves, where it misbehaves. Values only; the texts
// of the command line become values here, so that every mistake has a place, a cause and a remedy.

/// All settings of one referee. The defaults answer every request at once with two bytes.
public struct RefereeOptions: Hashable, Sendable {
  /// A span in which the server does nothing, in nanoseconds from the first request.
  public struct Stall: Hashable, Sendable {
    public var offset: Int64
    public var length: Int64
    public init(offset: Int64, length: Int64) { self.offset = offset; self.length = length }
  }

  /// On 127.0.0.1; 0 takes a free one.
  public var port = 0
  public var controlPort = 0
  /// Serve at this path instead of a TCP port. The kernel stamps nothing there.
  public var unixPath: String?
  public var service = ServiceTime.none
  /// 0: every request is served at once, beside all others. c: first come, first served by c servers.
  public var servers = 0
  public var stalls: [Stall] = []
  public var misbehaviour = Misbehaviour()
  public var bodyLength = 2
  public var chunked = false
  /// Nobody listens at the port; the control port answers.
  public var refuses = false
  /// Reads at most this many bytes of a connection in 10 ms; 0 reads as fast as it can.
  public var slowRead = 0
  /// Arrivals that are kept; later ones are counted only.
  public var kept = 2_000_000
  /// Polls instead of waiting for this many nanoseconds before a reply is due.
  public var spin: Int64 = 150_000
  /// Polls all the time, so that no wake-up is part of any answer; takes a whole core.
  public var busy = false
  public var seed: UInt64 = 1
  /// Where the kernel stamps are left at the end; the summary goes beside them as `.json`.
  public var out: String?

  public init() {}

  /// Servers with a known capacity: c ÷ rps is the mean service time of each.
  public mutating func setCapacity(_ perSecond: Double) throws(LabError) {
    guard perSecond > 0, perSecond <= 1e7 else {
      throw LabError(place: "--capacity", cause: "\(perSecond) requests/s is no capacity", remedy: "write a number above 0")
    }
    if servers == 0 { servers = 1 }
    service = service.withMean(Double(servers) * 1e9 / perSecond)
  }

  /// - Throws: what cannot be served, before anything is opened.
  public func validated() throws(LabError) -> RefereeOptions {
    func check(_ holds: Bool, _ place: String, _ cause: String, _ remedy: String) throws(LabError) {
      if !holds { throw LabError(place: place, cause: cause, remedy: remedy) }
    }
    for (name, port) in [("--port", port), ("--control-port", controlPort)] {
      try check((0...65_535).contains(port), name, "\(port) is no port", "use 0 (any free port) to 65535")
    }
    try check((0...1_024).contains(servers), "--servers", "\(servers) servers", "use 0 (no queue) to 1024")
    try check((0...(64 << 20)).contains(bodyLength), "--body", "\(bodyLength) bytes", "use 0 to 67108864")
    try check((1...20_000_000).contains(kept), "--kept", "\(kept) arrivals", "use 1 to 20000000")
    try check(slowRead >= 0, "--slow-read", "\(slowRead) bytes", "use 1 or more, or leave it out")
    try check((0...1_000_000_000).contains(spin), "--spin", "\(spin) ns", "use at most 1s")
    for period in misbehaviour.periods {
      try check(period >= 0, "--…-every", "\(period) is no period", "write n for every n-th request")
    }
    try check((200...599).contains(misbehaviour.status), "--status-every", "\(misbehaviour.status) is no final status", "use 200 to 599")
    return self
  }

  /// `5s:1s` or `5s:1s,20s:500ms`: offset from the first request, and length.
  public static func stalls(_ text: String) throws(LabError) -> [Stall] {
    var stalls: [Stall] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: ":", omittingEmptySubsequences: false)
      guard ends.count == 2, let offset = nanoseconds(ends[0]), let length = nanoseconds(ends[1]) else {
        throw LabError(place: "--stall", cause: "`\(part)` is no stall", remedy: "write OFFSET:LENGTH, such as 5s:1s")
      }
      stalls.append(Stall(offset: offset, length: length))
    }
    stalls.sort { $0.offset < $1.offset }
    return stalls
  }

  /// `100us`, `1.5ms`, `5s`, `0`; nil for what is no duration or longer than a day.
  public static func nanoseconds(_ text: some StringProtocol) -> Int64? {
    if text == "0" { return 0 }
    for (unit, scale) in [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("min", 6e10), ("s", 1e9)] where text.hasSuffix(unit) {
      guard let value = Double(text.dropLast(unit.count)), value >= 0, value * scale <= 8.64e13 else { return nil }
      return Int64((value * scale).rounded())
    }
    return nil
  }
}
