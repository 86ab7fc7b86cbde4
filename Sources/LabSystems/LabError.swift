/// Why the lab cannot do what it was asked: place, cause and remedy in one value.
///
/// Requests never throw this; it is for starting a lab or a bench child only.
public struct LabError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where: `system shop, route GET /product/{id}, stage db` or `127.0.0.1:8080`.
  public var place: String
  /// What is wrong, with the offending value.
  public var cause: String
  /// What the reader can do about it.
  public var remedy: String

  public init(place: String, cause: String, remedy: String) {
    self.place = place; self.cause = cause; self.remedy = remedy
  }

  public var description: String { "\(place): \(cause). \(remedy)." }
}
