// Demangled names of Swift and C++ as one would say them: a profile has a line for each, and a signature of 200
// characters tells a reader less than `fence.insert`.

/// A name without arguments, results, type parameters and kinds of specialisation.
///
/// `generic specialization <Swift.Int> of fence.insert(A, into: B) -> C` becomes `fence.insert`. A name whose brackets do
/// not match stays as it is; one that was cut off inside a bracket loses that bracket.
func readableFunctionName(_ name: String) -> String {
  var module = ""
  var rest = Substring(name)
  if let tick = rest.firstIndex(of: "`") {
    module = String(rest[...tick])
    rest = rest[rest.index(after: tick)...]
  }
  if let suffix = rest.firstRange(of: " with unmangled suffix") { rest = rest[..<suffix.lowerBound] }
  // Operators are made of the characters that bracket everything else.
  if let infix = rest.firstRange(of: " infix(") {
    rest = rest[..<infix.lowerBound]
    while let of = rest.firstRange(of: " of ") { rest = rest[of.upperBound...] }
    return module + rest
  }
  guard var plain = withoutBrackets(rest) else { return name }
  for prefix in specialisations {
    if let found = plain.firstRange(of: prefix) { plain.removeSubrange(found) }
  }
  if plain.hasPrefix(":") { plain.removeFirst() }
  return plain.isEmpty ? name : module + plain
}

private let specialisations = [
  "merged ", "function signature specialization of ", "generic specialization of ", "generic partial specialization of ",
]

/// The text outside of all brackets, without results (`-> T`, `: T`); nil when a bracket closes that was not open.
private func withoutBrackets(_ text: Substring) -> String? {
  var out = ""
  var depth = 0
  var isResult = false
  var i = text.startIndex
  while i < text.endIndex {
    let left = text[i...]
    if left.hasPrefix("->") {
      isResult = isResult || depth == 0
      i = text.index(i, offsetBy: 2)
      continue
    }
    if depth == 0 {
      // A closure's result is followed by the function that holds it.
      if isResult && left.hasPrefix(" in ") { isResult = false }
      if left.hasPrefix(" : ") { isResult = true }
      // `Swift.Guts.(grow in _408A76AB)(size: Int)`: a private name.
      if left.hasPrefix("("), out.hasSuffix(".") { out += left.dropFirst().prefix { $0 != " " && $0 != ")" } }
    }
    switch text[i] {
    case "(", "<", "[": depth += 1
    case ")", ">", "]": depth -= 1
    case " " where out.hasSuffix(" ") || out.isEmpty: break
    default: if depth == 0, !isResult { out.append(text[i]) }
    }
    if depth < 0 { return nil }
    i = text.index(after: i)
  }
  while out.hasSuffix(" ") { out.removeLast() }
  return out
}
