/// A cache key with route variables, such as `{id}` or `product:{id}:{lang}`.
struct KeyTemplate {
  private enum Part { case literal(String), variable(Int) }
  private let parts: [Part]

  /// - Throws: `LabError` when a variable is not one of the route's or a brace is left open.
  init(_ text: String, variables: [String], place: String) throws {
    var parts: [Part] = []
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else {
        throw LabError(
          place: place, cause: "key `\(text)` has an open brace", remedy: "close it, as in `{id}`")
      }
      if open > rest.startIndex { parts.append(.literal(String(rest[..<open]))) }
      let name = String(rest[rest.index(after: open)..<close])
      guard let index = variables.firstIndex(of: name) else {
        let known = variables.isEmpty ? "none" : variables.map { "{\($0)}" }.joined(separator: ", ")
        throw LabError(
          place: place, cause: "key `\(text)` uses {\(name)}, which the route does not have",
          remedy: "use a variable of the route's path (\(known))")
      }
      parts.append(.variable(index))
      rest = rest[rest.index(after: close)...]
    }
    if !rest.isEmpty { parts.append(.literal(String(rest))) }
    self.parts = parts
  }

  /// The key of a request. A single variable, the common case, is passed on without a new string.
  func key(_ variables: [String]) -> String {
    if parts.count == 1, case .variable(let index) = parts[0] { return variables[index] }
    return parts.reduce(into: "") { key, part in
      switch part {
      case .literal(let text): key += text
      case .variable(let index): key += variables[index]
      }
    }
  }
}
