// From request specs to templates: text is cut at `{{NAME}}` and at the key's `{…}`, and every name is resolved or
// refused. Runs once, before the run; may allocate as it likes.

import ExperimentModel
import Statistics

struct ScenarioCompiler {
  private let profile: LoadProfile
  private let target: LoadTarget
  private(set) var arena: [UInt8] = []
  private(set) var pieces: [Piece] = []
  private(set) var templates: [Template] = []
  private(set) var entries: [Entry] = []
  private(set) var checks: [Check] = []
  private(set) var captures: [Capture] = []
  private(set) var thinks: [ThinkTime?] = []
  private(set) var names: [NamedRecord] = []
  private(set) var samplers: [KeySampler] = []
  private(set) var variables: [String] = []

  init(_ profile: LoadProfile, _ target: LoadTarget) {
    self.profile = profile
    self.target = target
  }

  mutating func compile() throws(LoadError) {
    let journeys = profile.journeys ?? []
    for request in profile.requests + journeys.flatMap(\.steps) {
      for capture in request.captures ?? [] where !variables.contains(capture.name) { variables.append(capture.name) }
    }
    var weight = 0.0
    func checked(_ more: Double, _ name: String) throws(LoadError) -> Double {
      guard more.isFinite, more >= 0 else {
        throw LoadError(id: "bad-weight", cause: "the weight of `\(name)` is \(more)", remedy: "a number from 0")
      }
      return more
    }
    for request in profile.requests {
      weight += try checked(request.weight, request.name)
      entries.append(Entry(firstTemplate: Int32(templates.count), steps: 1, cumulative: weight))
      try add(request, name: request.name)
    }
    for journey in journeys where !journey.steps.isEmpty {
      weight += try checked(journey.weight, journey.name)
      entries.append(Entry(firstTemplate: Int32(templates.count), steps: Int32(journey.steps.count), cumulative: weight))
      for step in journey.steps { try add(step, name: "\(journey.name) / \(step.name)") }
    }
    guard !entries.isEmpty else {
      throw LoadError(id: "empty-scenario", cause: "the scenario has no request", remedy: "give one under `scenario:`")
    }
    guard weight > 0 else { throw LoadError(id: "bad-weight", cause: "all weights are 0", remedy: "give one request a weight") }
  }

  private mutating func add(_ request: RequestSpec, name: String) throws(LoadError) {
    var template = Template()
    template.isHead = request.method == "HEAD"
    if let i = names.firstIndex(where: { $0.name == name }) {
      template.name = Int32(i)
    } else {
      template.name = Int32(names.count)
      names.append(NamedRecord(name: name, tags: request.tags ?? [:]))
    }
    if let key = request.key {
      template.sampler = Int32(samplers.count)
      samplers.append(KeySampler(key))
    }
    // The body first, to know whether its length is known.
    var body: [Piece] = []
    if let bytes = request.bodyBytes {
      body = [constant(bytes)]
    } else if let text = request.body, !text.isEmpty {
      body = try cut(text, sampler: -1)
    }
    var head = [constant(Array("\(request.method) ".utf8))]
    head += try cut(request.path, sampler: template.sampler)
    head.append(constant(Array(" HTTP/1.1\r\n".utf8)))
    if !request.headers.keys.contains(where: { $0.lowercased() == "host" }) {
      head.append(constant(Array("Host: \(target.hostHeader)\r\n".utf8)))
    }
    for (key, value) in request.headers.sorted(by: { $0.key < $1.key }) {
      head += try cut("\(key): \(value)\r\n", sampler: -1)
    }
    if profile.cookies == true { head.append(.cookies) }
    if !body.isEmpty || request.method != "GET" && request.method != "HEAD" {
      head.append(constant(Array("Content-Length: ".utf8)))
      head.append(knownLength(body).map { constant(Array("\($0)".utf8)) } ?? .bodyLength)
      head.append(constant(Array("\r\n".utf8)))
    }
    head.append(constant(Array("\r\n".utf8)))
    template.firstPiece = Int32(pieces.count)
    let joined = join(head)
    pieces += joined + body
    template.headPieces = Int32(joined.count)
    template.bodyPieces = Int32(body.count)
    try addReading(request, &template)
    templates.append(template)
    thinks.append(request.think)
  }

  private mutating func addReading(_ request: RequestSpec, _ template: inout Template) throws(LoadError) {
    template.firstCheck = Int32(checks.count)
    for text in request.checks ?? [] {
      let check = try Check(text)
      if case .status = check.kind { template.checksStatus = true } else { template.reads = true }
      checks.append(check)
    }
    template.checks = Int32(checks.count) - template.firstCheck
    template.firstCapture = Int32(captures.count)
    for spec in request.captures ?? [] {
      captures.append(try Capture(spec, variable: variables.firstIndex(of: spec.name) ?? 0))
      template.reads = true
    }
    template.captures = Int32(captures.count) - template.firstCapture
    if profile.cookies == true { template.reads = true }
  }

  private mutating func constant(_ bytes: [UInt8]) -> Piece {
    let start = arena.count
    arena += bytes
    return .bytes(start: Int32(start), count: Int32(bytes.count))
  }

  private func knownLength(_ body: [Piece]) -> Int? {
    var sum = 0
    for piece in body {
      guard case .bytes(_, let count) = piece else { return nil }
      sum += Int(count)
    }
    return sum
  }

  /// Neighbouring constants become one copy.
  private mutating func join(_ parts: [Piece]) -> [Piece] {
    var joined: [Piece] = []
    var run: [UInt8] = []
    for part in parts {
      if case .bytes(let start, let count) = part {
        run += arena[Int(start)..<Int(start) + Int(count)]
        continue
      }
      if !run.isEmpty { joined.append(constant(run)) }
      run = []
      joined.append(part)
    }
    if !run.isEmpty { joined.append(constant(run)) }
    return joined
  }

  /// Cuts at `{{NAME}}` and, with a sampler, at the first single `{…}`.
  private mutating func cut(_ text: String, sampler: Int32) throws(LoadError) -> [Piece] {
    let bytes = Array(text.utf8)
    var parts: [Piece] = []
    var run: [UInt8] = []
    var keyed = sampler < 0
    var i = 0
    func end(of mark: [UInt8], from: Int) -> Int? {
      var j = from
      while j + mark.count <= bytes.count {
        if Array(bytes[j..<j + mark.count]) == mark { return j }
        j += 1
      }
      return nil
    }
    while i < bytes.count {
      if bytes[i] == 123, i + 1 < bytes.count, bytes[i + 1] == 123, let close = end(of: [125, 125], from: i + 2) {
        let name = String(decoding: bytes[(i + 2)..<close], as: UTF8.self).filter { $0 != " " }
        if !run.isEmpty { parts.append(constant(run)) }
        run = []
        if let column = profile.data?.columns.firstIndex(of: name) {
          parts.append(.column(Int32(column)))
        } else if let variable = variables.firstIndex(of: name) {
          parts.append(.variable(Int32(variable)))
        } else {
          let known = (profile.data?.columns ?? []) + variables
          throw LoadError(
            id: "unknown-variable", cause: "nothing gives a value for `{{\(name)}}`",
            remedy: known.isEmpty ? "capture one, or give data with that column" : "known: \(known.joined(separator: ", "))")
        }
        i = close + 2
      } else if !keyed, bytes[i] == 123, let close = end(of: [125], from: i + 1) {
        if !run.isEmpty { parts.append(constant(run)) }
        run = []
        parts.append(.key(sampler: sampler))
        keyed = true
        i = close + 1
      } else {
        run.append(bytes[i])
        i += 1
      }
    }
    if !run.isEmpty { parts.append(constant(run)) }
    return parts
  }
}

extension KeySampler {
  init(_ distribution: KeyDistribution) {
    switch distribution {
    case .zipf(let n, let s): self = .zipf(n: n, s: s)
    case .uniform(let n): self = .uniform(n: n)
    case .sequential(let n): self = .sequential(n: n)
    }
  }
}
