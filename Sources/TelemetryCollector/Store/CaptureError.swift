// What can go wrong with a capture, a receiver or a sender: where, why, and what to do about it.

import Glibc

public struct CollectorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A file, an address, a URL.
  public var place: String
  public var cause: String
  public var remedy: String

  public init(place: String, cause: String, remedy: String) {
    self.place = place
    self.cause = cause
    self.remedy = remedy
  }

  public var description: String { "\(place): \(cause); \(remedy)" }

  /// The last error of the C library.
  static func system(_ place: String, _ what: String, remedy: String, code: Int32 = errno) -> CollectorError {
    CollectorError(place: place, cause: "\(what): \(String(cString: strerror(code)))", remedy: remedy)
  }
}
