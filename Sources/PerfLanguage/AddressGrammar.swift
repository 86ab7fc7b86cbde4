// Addresses of values: `BLOCK.[ARM.][request.NAME.]METRIC[@param=value,…]`, a request also as k6 tags it: `METRIC{name:NAME}`. Only the form is judged here; whether
// there is such a block, arm and metric is decided in BlockFace.swift.

import ExperimentModel

/// Why a text is not an address; a sentence without a full stop.
public struct AddressError: Error, Hashable, Sendable {
  public var cause: String
  public var remedy: String
  public init(cause: String, remedy: String) {
    self.cause = cause
    self.remedy = remedy
  }
}

/// Reads an address as it stands in prose or in `${…}`: of several parts the first is the block, the last
/// the metric; a single part is a metric of the block itself. `@ttl=20ms` gives nanoseconds, as arms' parameters are.
public func parseAddress(_ text: String) -> Result<Address, AddressError> {
  parseParts(text).map { parts in
    Address(
      block: parts.names.count > 1 ? parts.names[0] : nil, arm: Array(parts.names.dropFirst().dropLast()),
      metric: parts.names.last ?? "", at: parts.at, request: parts.request)
  }
}

/// Reads an address inside a block, where BLOCK is left out.
func parseInnerAddress(_ text: String) -> Result<Address, AddressError> {
  parseParts(text).map { Address(block: nil, arm: Array($0.names.dropLast()), metric: $0.names.last ?? "", at: $0.at, request: $0.request) }
}

private struct Parts {
  var names: [String]
  var at: [String: Double]
  var request: String?
}

/// Takes a request out of the parts before the metric: `request.checkout.pay.p95` is of the request `checkout / pay`.
private func withoutRequest(_ parts: Parts) -> Parts {
  guard parts.request == nil, let start = parts.names.firstIndex(of: "request"), start + 2 < parts.names.count else { return parts }
  let name = parts.names[(start + 1)...].dropLast().joined(separator: " / ")
  return Parts(names: Array(parts.names[..<start]) + parts.names.suffix(1), at: parts.at, request: name)
}

/// Cuts `{name:NAME}` out; a name may hold anything, braces too.
private func tagged(_ text: String) -> Result<(rest: String, request: String?), AddressError> {
  guard let open = text.firstIndex(of: "{") else { return .success((text, nil)) }
  let wrong = AddressError(cause: "`\(text[open...])` in `\(text)` is not {name:REQUEST}", remedy: "such as `http_req_duration{name:checkout}`")
  guard let close = text.lastIndex(of: "}"), text[open...].hasPrefix("{name:") else { return .failure(wrong) }
  let name = text[text.index(open, offsetBy: 6)..<close].trimmed
  return name.isEmpty ? .failure(wrong) : .success((String(text[..<open]) + text[text.index(after: close)...], name))
}

private func parseParts(_ written: String) -> Result<Parts, AddressError> {
  tagged(written).flatMap { found in
    parseUntagged(found.rest).map { parts in
      var parts = parts
      parts.request = found.request
      return withoutRequest(parts)
    }
  }
}

private func parseUntagged(_ text: String) -> Result<Parts, AddressError> {
  let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
  let names = separated(String(halves[0]))
  let form = "write BLOCK.METRIC, BLOCK.ARM.METRIC, or with a point of a sweep BLOCK.METRIC@param=value"
  for name in names where !isPart(name) {
    return .failure(
      AddressError(
        cause: name.isEmpty ? "`\(text)` is not an address: a part is empty" : "`\(name)` in `\(text)` is not a name", remedy: form))
  }
  // With a request, two more.
  guard names.count <= (names.contains("request") ? 8 : 6) else { return .failure(AddressError(cause: "`\(text)` has more parts than an address can have", remedy: form)) }
  var at: [String: Double] = [:]
  if halves.count > 1 {
    for pair in halves[1].split(separator: ",", omittingEmptySubsequences: false) {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty, let quantity = parseQuantity(String(sides[1])) else {
        return .failure(
          AddressError(cause: "`@\(pair)` in `\(text)` is not param=value", remedy: "such as `@capacity=1000` or `@ttl=20ms`"))
      }
      guard at.updateValue(quantity.value, forKey: String(sides[0])) == nil else {
        return .failure(AddressError(cause: "`\(sides[0])` is given twice in `\(text)`", remedy: form))
      }
    }
  }
  return .success(Parts(names: names, at: at))
}

/// Parts are separated by dots; a dot before a digit belongs to a number, as in the arm `lru-0.9`.
private func separated(_ text: String) -> [String] {
  var parts: [String] = [""]
  let characters = Array(text)
  for (i, character) in characters.enumerated() {
    if character == ".", !(i + 1 < characters.count && characters[i + 1].isASCII && characters[i + 1].isNumber) {
      parts.append("")
    } else {
      parts[parts.count - 1].append(character)
    }
  }
  return parts
}

/// A block of another lesson has a slash: `day08/hit-curve`.
private func isPart(_ name: String) -> Bool {
  guard let first = name.utf8.first, first >= 0x61, first <= 0x7A, name.utf8.count <= 80 else { return false }
  return name.utf8.allSatisfy {
    $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D || $0 == 0x5F || $0 == 0x2F || $0 == 0x2E
  }
}

/// An address as one writes it.
func addressText(_ address: Address) -> String {
  let path = ([address.block].compactMap { $0 } + address.arm + [address.tail]).joined(separator: ".")
  let at = address.at.sorted { $0.key < $1.key }.map { "\($0.key)=\(numberText($0.value))" }
  return at.isEmpty ? path : path + "@" + at.joined(separator: ",")
}

/// A number without `.0`.
func numberText(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
}
