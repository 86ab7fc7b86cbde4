// Requests as bytes: everything but the key is rendered before the run; in the loop a request is
// three copies into the connection's buffer.

import ExperimentModel
import Statistics

struct RequestWriter {
  private struct Template {
    var before: [UInt8]
    var after: [UInt8]
    var isHead: Bool
    var sampler: Int?
  }

  private var templates: [Template] = []
  private var cumulative: [Double] = []
  private var samplers: [KeySampler] = []
  private var choice: SeededRandom
  private var keys: SeededRandom
  /// The longest request.
  let capacity: Int

  init(_ profile: LoadProfile, target: LoadTarget, seed: UInt64) {
    choice = SeededRandom(seed: seed, stream: 2)
    keys = SeededRandom(seed: seed, stream: 3)
    var weight = 0.0
    var longest = 0
    for request in profile.requests {
      var before = request.path
      var after = ""
      var sampler: Int?
      if let key = request.key, let open = request.path.firstIndex(of: "{"), let close = request.path.firstIndex(of: "}"), open < close {
        before = String(request.path[..<open])
        after = String(request.path[request.path.index(after: close)...])
        sampler = samplers.count
        samplers.append(KeySampler(key))
      }
      let body = Array((request.body ?? "").utf8)
      var head = " HTTP/1.1\r\nHost: \(target.host):\(target.port)\r\n"
      for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
      if !body.isEmpty || request.method != "GET" && request.method != "HEAD" { head += "Content-Length: \(body.count)\r\n" }
      let template = Template(
        before: Array("\(request.method) \(before)".utf8), after: Array("\(after)\(head)\r\n".utf8) + body,
        isHead: request.method == "HEAD", sampler: sampler)
      longest = max(longest, template.before.count + template.after.count + 20)
      templates.append(template)
      weight += request.weight
      cumulative.append(weight)
    }
    capacity = longest
  }

  /// Renders the next request; `buffer` has room for `capacity` bytes.
  mutating func write(to buffer: UnsafeMutablePointer<UInt8>) -> (count: Int, isHead: Bool) {
    var index = 0
    if templates.count > 1 {
      let point = choice.uniform() * cumulative[cumulative.count - 1]
      while index < cumulative.count - 1, cumulative[index] <= point { index += 1 }
    }
    var key = 0
    if let sampler = templates[index].sampler { key = samplers[sampler].next(&keys) }
    return render(index, key, buffer)
  }

  /// Renders the first keyed request with a given key, for warming.
  func write(key: Int, to buffer: UnsafeMutablePointer<UInt8>) -> (count: Int, isHead: Bool)? {
    guard let index = templates.firstIndex(where: { $0.sampler != nil }) else { return nil }
    return render(index, key, buffer)
  }

  private func render(_ index: Int, _ key: Int, _ buffer: UnsafeMutablePointer<UInt8>) -> (count: Int, isHead: Bool) {
    var count = 0
    templates[index].before.withUnsafeBufferPointer {
      (buffer + count).update(from: $0.baseAddress!, count: $0.count)
      count += $0.count
    }
    if templates[index].sampler != nil {
      var digits = 1
      var limit = 10
      while key >= limit { digits += 1; limit *= 10 }
      var rest = key
      for i in stride(from: digits - 1, through: 0, by: -1) {
        buffer[count + i] = 48 + UInt8(rest % 10)
        rest /= 10
      }
      count += digits
    }
    templates[index].after.withUnsafeBufferPointer {
      (buffer + count).update(from: $0.baseAddress!, count: $0.count)
      count += $0.count
    }
    return (count, templates[index].isHead)
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
