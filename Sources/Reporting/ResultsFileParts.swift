// Single cells out of a results file without decoding it: a check of two hundred lessons asks for a few blocks of each, and
// decoding all of them takes longer than everything else. Knows no more of JSON than strings and brackets.

/// The file with only the cells of these ids; nil when it is not laid out as `resultsJSON` writes it, so that the whole is decoded.
func keepingCells(of ids: Set<String>, _ json: [UInt8]) -> [UInt8]? {
  guard let list = find("\"cells\" : [", in: json, from: 0) else { return nil }
  var i = list + "\"cells\" : [".utf8.count
  var kept: [ArraySlice<UInt8>] = []
  let start = i
  while i < json.count {
    switch json[i] {
    case 0x20, 0x0A, 0x0D, 0x09, 0x2C: i += 1
    case 0x7B:
      guard let end = objectEnd(json, from: i), let id = ownID(json, i, end) else { return nil }
      if ids.contains(id) { kept.append(json[i...end]) }
      i = end + 1
    case 0x5D: return Array(json[..<start] + Array(kept.joined(separator: [0x2C])) + json[i...])
    default: return nil
    }
  }
  return nil
}

private func find(_ text: String, in json: [UInt8], from start: Int) -> Int? {
  let wanted = Array(text.utf8)
  var i = start
  while i + wanted.count <= json.count {
    if json[i] == wanted[0], json[i..<(i + wanted.count)].elementsEqual(wanted) { return i }
    i += 1
  }
  return nil
}

/// The closing brace of the object that opens at `start`.
private func objectEnd(_ json: [UInt8], from start: Int) -> Int? {
  var depth = 0
  var i = start
  while i < json.count {
    switch json[i] {
    case 0x22:
      guard let end = stringEnd(json, from: i) else { return nil }
      i = end
    case 0x7B, 0x5B: depth += 1
    case 0x7D, 0x5D:
      depth -= 1
      if depth == 0 { return i }
    default: break
    }
    i += 1
  }
  return nil
}

/// The closing quote of the string that opens at `start`.
private func stringEnd(_ json: [UInt8], from start: Int) -> Int? {
  var i = start + 1
  while i < json.count {
    if json[i] == 0x5C { i += 1 } else if json[i] == 0x22 { return i }
    i += 1
  }
  return nil
}

/// The value of `id` of an object, not of one inside it.
private func ownID(_ json: [UInt8], _ start: Int, _ end: Int) -> String? {
  var depth = 0
  var i = start
  while i < end {
    switch json[i] {
    case 0x22:
      guard let close = stringEnd(json, from: i) else { return nil }
      let next = json[(close + 1)..<end].first { $0 != 0x20 }
      if depth == 1, next == 0x3A, close == i + 3, json[i + 1] == 0x69, json[i + 2] == 0x64 {
        guard let opening = json[(close + 1)...].firstIndex(of: 0x22), let last = stringEnd(json, from: opening) else { return nil }
        return String(decoding: json[(opening + 1)..<last], as: UTF8.self)
      }
      i = close
    case 0x7B, 0x5B: depth += 1
    case 0x7D, 0x5D: depth -= 1
    default: break
    }
    i += 1
  }
  return nil
}
