// Which request meets which mistake of the server. Counted, never drawn: the same load meets the same faults.

/// What becomes of one answer.
enum Fate: UInt8, CaseIterable {
  case normal
  /// RST instead of an answer.
  case reset
  /// The first half of the answer, then the end of the connection.
  case half
  /// Bytes that are not HTTP; the connection stays open.
  case garbage
  /// A whole answer with another status.
  case status
  /// A whole answer, then the end of the connection that nobody announced.
  case close
}

/// Every n-th request, counted from 1 since the start or the last reset, meets a fault; 0 is never.
public struct Misbehaviour: Hashable, Sendable {
  public var resetEvery = 0
  public var halfEvery = 0
  public var garbageEvery = 0
  public var statusEvery = 0
  public var status = 500
  public var closeEvery = 0

  public init() {}

  var periods: [Int] { [resetEvery, halfEvery, garbageEvery, statusEvery, closeEvery] }

  /// Where several meet, the worse one happens.
  func fate(of number: Int) -> Fate {
    func hits(_ period: Int) -> Bool { period > 0 && number % period == 0 }
    if hits(resetEvery) { return .reset }
    if hits(halfEvery) { return .half }
    if hits(garbageEvery) { return .garbage }
    if hits(statusEvery) { return .status }
    return hits(closeEvery) ? .close : .normal
  }

  /// `7:503`: every seventh request is answered with 503.
  public mutating func setStatus(_ text: String) throws(LabError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let period = parts[0], let status = parts[1], period > 0 else {
      throw LabError(place: "--status-every", cause: "`\(text)` is no n:status", remedy: "write it like 7:503")
    }
    (statusEvery, self.status) = (period, status)
  }
}
