import ExperimentModel

/// What keeps requests together at one instance: a variable of the upstream's route, a header, or the whole target.
struct HashKey {
  private enum Source { case target, header(String), variable(String, patterns: [[Substring]]) }
  private let source: Source

  /// - Parameter routes: of the upstream, whose patterns name the variables.
  init(_ text: String?, routes: [RouteSpec]) {
    if let text, text.hasPrefix("header:") {
      source = .header(String(text.dropFirst(7)))
    } else if let text, text.hasPrefix("{"), text.hasSuffix("}") {
      var seen: Set<String> = []
      let paths = routes.map(\.path).filter { $0.split(separator: "/").contains(text[...]) && seen.insert($0).inserted }
      source = .variable(text, patterns: paths.map { path in path.split(separator: "/").map { Substring(String($0)) } })
    } else {
      source = .target
    }
  }

  func hash(of request: ProxyRequest) -> UInt64 { mix64(fnv1a(text(of: request))) }

  private func text(of request: ProxyRequest) -> String {
    switch source {
    case .target: return request.target
    case .header(let name): return request.fields[name] ?? ""
    case .variable(let variable, let patterns):
      let parts = request.path.split(separator: "/")
      for pattern in patterns where pattern.count == parts.count {
        guard zip(pattern, parts).allSatisfy({ $0.hasPrefix("{") || $0 == $1 }) else { continue }
        if let place = pattern.firstIndex(of: variable[...]) { return String(parts[place]) }
      }
      // A route without the variable: its target is what there is to tell its requests apart.
      return request.target
    }
  }
}
