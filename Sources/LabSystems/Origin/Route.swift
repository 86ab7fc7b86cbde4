import ExperimentModel

/// A method, a path pattern and its stages.
final class Route {
  enum Segment { case literal([UInt8]), variable }

  let method: String
  let path: String
  let segments: [Segment]
  /// Names of the `{…}` segments, in order.
  let variableNames: [String]
  unowned let role: Role
  var stages: [any Stage] = []
  /// One for each stage, or none at all in a system that says nothing of telemetry.
  var notes: [StageNote] = []
  /// What is measured of it: as it is, and of HEAD.
  var line: RouteLine?
  var headLine: RouteLine?
  /// For each attribute of the system: index of its variable, or nil when it is a header's or not in this path.
  var attributePlaces: [Int?] = []
  /// How answers are given to the kernel.
  var writing = BytesSpec.Writing(writes: 1, nodelay: true)
  /// Caches to drop a key from once the stages have succeeded, with the key's template here.
  var invalidations: [(cache: CacheStage, key: KeyTemplate)] = []

  init(_ spec: RouteSpec, role: Role) throws {
    method = spec.method.uppercased()
    path = spec.path
    self.role = role
    let place = "system, role \(role.name), route \(spec.method) \(spec.path)"
    guard spec.path.hasPrefix("/") else {
      throw LabError(place: place, cause: "the path does not start with `/`", remedy: "write `/\(spec.path)`")
    }
    var names: [String] = []
    segments = spec.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
      guard part.hasPrefix("{"), part.hasSuffix("}") else { return .literal(Array(part.utf8)) }
      names.append(String(part.dropFirst().dropLast()))
      return .variable
    }
    guard Set(names).count == names.count else {
      throw LabError(
        place: place, cause: "a variable occurs twice in the path",
        remedy: "give every `{…}` segment its own name")
    }
    guard !spec.path.hasPrefix("/_nb/") else {
      throw LabError(
        place: place, cause: "`/_nb/` is the lab's control plane", remedy: "choose another path")
    }
    variableNames = names
  }

  /// The value of an attribute of the system; nil: the request has none.
  func attribute(_ index: Int, _ exchange: Exchange) -> String? {
    if attributePlaces.indices.contains(index), let place = attributePlaces[index] { return exchange.variables[place] }
    guard let headers = exchange.trail?.headers, headers.indices.contains(index) else { return nil }
    return headers[index]
  }

  /// Whether `path` (without query) matches; the values of the variables go to `variables`.
  func matches(_ path: UnsafeRawBufferPointer, into variables: inout [String]) -> Bool {
    guard path.first == UInt8(ascii: "/") else { return false }
    variables.removeAll(keepingCapacity: true)
    var start = 1
    for (i, segment) in segments.enumerated() {
      var end = start
      while end < path.count && path[end] != UInt8(ascii: "/") { end += 1 }
      switch segment {
      case .literal(let bytes):
        guard path[start..<end].elementsEqual(bytes) else { return false }
      case .variable:
        guard end > start else { return false }
        variables.append(String(decoding: path[start..<end], as: UTF8.self))
      }
      let isLast = i == segments.count - 1
      guard isLast == (end == path.count) else { return false }
      start = end + 1
    }
    return true
  }
}

/// All routes of a system.
struct RouteTable {
  enum Match { case route(Route), wrongMethod(allow: String), unknown }

  var routes: [Route] = []

  /// `HEAD` is answered by the route of `GET`.
  func match(
    method: String, path: UnsafeRawBufferPointer, into variables: inout [String]
  ) -> Match {
    var allowed: [String] = []
    for route in routes where route.matches(path, into: &variables) {
      if route.method == method || (method == "HEAD" && route.method == "GET") { return .route(route) }
      allowed.append(route.method)
    }
    if allowed.isEmpty { return .unknown }
    if allowed.contains("GET") { allowed.append("HEAD") }
    return .wrongMethod(allow: allowed.joined(separator: ", "))
  }
}
