// Errors that are the same error: of one type, on one route, with one message once its digits are masked. The fingerprint is of
// these three texts, so that the same error has the same one in the next capture.

import ExperimentModel

public struct ErrorGroup: Hashable, Sendable {
  /// 16 hexadecimal digits.
  public var fingerprint: String
  public var type: String
  public var route: String
  /// One line, digits and identifiers as `#`.
  public var message: String
  public var services: [String]
  /// Adjusted for sampling.
  public var count: Double
  public var firstUnixNano: UInt64
  public var lastUnixNano: UInt64
  /// Up to three traces that have it.
  public var traces: [TraceID]
}

extension TelemetryCapture {
  /// Spans that failed, grouped, commonest first. A failure that was passed on is counted at each span that it failed; `where`
  /// narrows it (`kind==server`). At most 1,000 groups; what came after is one group of the type `…`.
  public func errorGroups(where filter: TelemetryFilter = .all) -> [ErrorGroup] {
    let selection = TelemetrySelection(filter, over: spans)
    var groups: [[String]: ErrorGroup] = [:]
    for trace in traces {
      // Inner spans often have no route: the root's says what was asked for.
      let rootRoute = spans[trace.root].span.attributes["http.route"]?.string
      for one in spans[trace.range] where SemanticConventions.hasFailed(one.span) && selection.contains(one) {
        let exception = one.span.events.last { $0.name == "exception" }?.attributes
        let code = one.span.attributes["http.response.status_code"]?.label
        let type = one.span.attributes["error.type"]?.label ?? exception?["exception.type"]?.label ?? code ?? ""
        let route = one.span.attributes["http.route"]?.string ?? rootRoute ?? ""
        let text = exception?["exception.message"]?.string ?? one.span.status.message
        var key = [shortened(type), shortened(route), maskedMessage(text)]
        if groups[key] == nil, groups.count >= Self.groupsMax { key = ["…", "", ""] }
        let at = one.span.startUnixNano
        var group = groups[key] ?? ErrorGroup(
          fingerprint: Hex.text(fingerprint(key)), type: key[0], route: key[1], message: key[2], services: [], count: 0, firstUnixNano: at,
          lastUnixNano: at, traces: [])
        group.count += one.span.adjustedCount ?? 1
        group.firstUnixNano = min(group.firstUnixNano, at)
        group.lastUnixNano = max(group.lastUnixNano, at)
        if group.traces.count < 3, !group.traces.contains(trace.id) { group.traces.append(trace.id) }
        if group.services.count < 10, !group.services.contains(one.origin.service) { group.services.append(one.origin.service) }
        groups[key] = group
      }
    }
    return groups.values.sorted { ($1.count, $0.fingerprint) < ($0.count, $1.fingerprint) }
  }
}

/// The first line of a message, without what differs from one time to the next: words with a digit become `#`, and so do
/// long hexadecimal ones. `user 4711 not found in shard-7` → `user # not found in #`. At most 200 characters.
func maskedMessage(_ text: String) -> String {
  // The first line: what follows is a stack. A message of megabytes is cut before it is looked at. Bytes: logs are many.
  let line = Array(text.utf8.prefix(2_000).prefix { $0 != 0x0A && $0 != 0x0D })
  var out: [UInt8] = []
  out.reserveCapacity(line.count)
  var start = 0
  func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"), 0x80...: true
    default: false
    }
  }
  while start < line.count {
    guard isWord(line[start]) else {
      out.append(line[start])
      start += 1
      continue
    }
    var end = start
    var hasDigit = false, isHex = true
    while end < line.count, isWord(line[end]) {
      hasDigit = hasDigit || (48...57).contains(line[end])
      isHex = isHex && Hex.digit(line[end]) != nil
      end += 1
    }
    if !hasDigit, !(isHex && end - start >= 8) {
      out += line[start..<end]
    } else if out.suffix(3).elementsEqual("#, ".utf8) {
      // A list of numbers is as long as it happens to be.
      out.removeLast(2)
    } else {
      out.append(UInt8(ascii: "#"))
    }
    start = end
  }
  return shortened(String(decoding: out, as: UTF8.self), 200)
}

/// FNV-1a, 64 bits, over the texts with a separator.
private func fingerprint(_ texts: [String]) -> UInt64 {
  texts.joined(separator: "\u{0}").utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
}
