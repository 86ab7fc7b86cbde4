// A lab system as boxes and arrows: one box a role with its routes and stages, arrows for who asks whom. Both drawings
// (TopologyText.swift, TopologySVG.swift) are of this value, so that they cannot tell two stories.

import ExperimentModel

struct Topology {
  /// A line in a role's box.
  struct Line {
    enum Kind { case fact, route, stage, more }
    var kind: Kind
    var text: String
  }
  struct Box {
    var name: String
    /// Kind, workers, queue.
    var facts: String
    var lines: [Line]
    /// Asked from outside.
    var isEntry: Bool
  }
  struct Arrow {
    var from: Int
    /// Index of the line it starts at; nil: the box itself.
    var line: Int?
    var to: Int
    var label: String
  }

  let title: String
  /// Who asks stands above who is asked.
  private(set) var boxes: [Box] = []
  private(set) var arrows: [Arrow] = []
  let data: [String]

  init(_ system: SystemSpec) {
    title = system.id
    data = system.data.map { "\($0.name): ids 1…\($0.rows), \(words($0.popularity))" }
    let roles = Self.ordered(system.roles)
    // Nobody asks a worker: it takes.
    let asked = Set(roles.flatMap { role in Self.targets(of: role).filter { $0 != role.name } } + roles.filter { $0.worker != nil }.map(\.name))
    for role in roles {
      // An edge and a worker have a part of their own, and no queue of requests.
      let parts: Set<String> = ["edge", "worker", "instances"]
      let hidden = parts.union(["name", "kind", "routes"]).union(role.edge != nil ? ["workers", "queueLimit", "timeout"] : role.worker != nil ? ["queueLimit", "timeout"] : [])
      let all = Mirror(reflecting: role).children
      let own = facts(all.filter { !hidden.contains($0.label ?? "") })
      var box = Box(name: role.name, facts: ([role.kind] + own).joined(separator: " · "), lines: [], isEntry: !asked.contains(role.name))
      for part in all where parts.contains(part.label ?? "") {
        guard let value = Mirror(reflecting: part.value).children.first?.value else { continue }
        let named = facts(Array(Mirror(reflecting: value).children))
        for row in wrapped((named.isEmpty ? [words(value)].compactMap { $0 } : named).joined(separator: " · "), 70) {
          box.lines.append(Line(kind: .fact, text: row))
        }
      }
      boxes.append(box)
    }
    var index = Dictionary(roles.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    for (at, role) in roles.enumerated() { if let worker = role.worker { index[Self.consumerKey(worker.consumes)] = at } }
    for (b, role) in roles.enumerated() {
      for upstream in texts(labelled: "upstream", in: role) {
        if let to = index[upstream] { arrows.append(Arrow(from: b, line: nil, to: to, label: "upstream")) }
      }
      for route in role.routes {
        boxes[b].lines.append(Line(kind: .route, text: role.worker.map { "each message of \($0.consumes)" } ?? "\(route.method) \(route.path)"))
        for stage in route.stages { add(stage, to: b, index) }
      }
    }
  }

  private mutating func add(_ stage: StageSpec, to b: Int, _ index: [String: Int]) {
    let work = Mirror(reflecting: stage.work).children.first
    let kind = work?.label ?? "stage"
    let name = stage.name == kind ? "" : " \(stage.name)"
    boxes[b].lines.append(Line(kind: .stage, text: "\(kind)\(name)"))
    if case .call(let call) = stage.work {
      let label = "GET \(call.path)\(call.k == 1 ? "" : " × \(call.k), \(call.mode.rawValue)")"
      if let to = index[call.role] { arrows.append(Arrow(from: b, line: boxes[b].lines.count - 1, to: to, label: label)) }
      boxes[b].lines.append(Line(kind: .more, text: "\(call.role) \(label)"))
      return
    }
    if case .publish(let publish) = stage.work, let to = index[Self.consumerKey(publish.topic)] {
      arrows.append(Arrow(from: b, line: boxes[b].lines.count - 1, to: to, label: "messages of \(publish.topic)"))
    }
    let details = work.map { facts(Array(Mirror(reflecting: $0.value).children)).joined(separator: " · ") } ?? ""
    for row in wrapped(details, 66) { boxes[b].lines.append(Line(kind: .more, text: row)) }
    // Stages inside a stage, such as those under a lock.
    for child in work.map({ Mirror(reflecting: $0.value).children }) ?? AnyCollection([]) {
      for inner in child.value as? [StageSpec] ?? [] { add(inner, to: b, index) }
    }
  }

  /// Roles that nobody asks first, then whom they ask; the written order where that leaves a choice.
  private static func ordered(_ roles: [RoleSpec]) -> [RoleSpec] {
    var left = roles
    var out: [RoleSpec] = []
    while !left.isEmpty {
      let next = left.firstIndex { role in !left.contains { $0.name != role.name && targets(of: $0).contains(role.name) } } ?? 0
      out.append(left.remove(at: next))
    }
    return out
  }

  /// No name of a role has a space.
  private static func consumerKey(_ topic: String) -> String { "consumer of \(topic)" }

  private static func targets(of role: RoleSpec) -> [String] {
    let called = role.routes.flatMap(\.stages).compactMap { if case .call(let call) = $0.work { call.role } else { nil } }
    return called + texts(labelled: "upstream", in: role)
  }
}

// MARK: Values in words, whatever stages and roles there are

/// `workers 32`, `ttl 60s`: what is set, under the names of the language. What is nil or false is left out.
private func facts(_ children: [Mirror.Child]) -> [String] {
  children.compactMap { child in
    guard let label = child.label, let text = words(child.value) else { return nil }
    let name = label.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
    return text.isEmpty ? name : "\(name) \(text)"
  }
}

/// nil: nothing to show; "": the name says it all.
private func words(_ value: Any) -> String? {
  if let time = value as? Nanoseconds { return durationText(time) }
  if let flag = value as? Bool { return flag ? "" : nil }
  if value is [StageSpec] { return nil }
  let mirror = Mirror(reflecting: value)
  if mirror.displayStyle == .optional { return mirror.children.first.flatMap { words($0.value) } }
  if mirror.children.isEmpty {
    let text = (value as? any RawRepresentable).map { "\($0.rawValue)" } ?? "\(value)"
    // A document is not drawn.
    return text.isEmpty || text == "[]" ? nil : text.count > 120 ? text.prefix(117) + "…" : text
  }
  if mirror.displayStyle == .collection { return mirror.children.compactMap { words($0.value) }.joined(separator: ", ") }
  if mirror.displayStyle == .enum, let only = mirror.children.first {
    let inside = words(only.value) ?? ""
    return inside.isEmpty ? only.label : "\(only.label ?? "") \(inside)"
  }
  let inside = mirror.displayStyle == .tuple || mirror.displayStyle == .struct ? facts(Array(mirror.children)) : []
  return inside.isEmpty ? nil : "(\(inside.joined(separator: ", ")))"
}

/// Texts that stand anywhere in a value under this name.
private func texts(labelled name: String, in value: Any) -> [String] {
  Mirror(reflecting: value).children.flatMap { child in
    if child.label == name, let text = child.value as? String { return [text] }
    return child.label == "routes" ? [] : texts(labelled: name, in: child.value)
  }
}

private func words(_ keys: KeyDistribution) -> String {
  switch keys {
  case .zipf(_, let s): "zipf \(s)"
  case .uniform: "uniform"
  case .sequential: "sequential"
  }
}

/// Exactly, in the largest unit that leaves a whole number.
private func durationText(_ time: Nanoseconds) -> String {
  let units: [(Int64, String)] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")]
  for (size, name) in units where time.rawValue != 0 && time.rawValue % size == 0 { return "\(time.rawValue / size)\(name)" }
  return time == .zero ? "0s" : "\(time.rawValue)ns"
}

/// Broken at spaces; a word longer than a row stands alone on one.
private func wrapped(_ text: String, _ limit: Int) -> [String] {
  var rows: [String] = []
  for word in text.split(separator: " ") {
    if let last = rows.last, last.count + 1 + word.count <= limit { rows[rows.count - 1] = last + " " + word } else { rows.append(String(word)) }
  }
  return rows
}
