// `Notebooks/results/dayNN.json`: the values behind what is written in a notebook, small and stable
// enough for git. Keys are sorted, number lists stand on one line, plot series are thinned until the file fits.
// It never holds times, hosts or samples: those stay in the store.

import ExperimentModel
import Foundation

/// Why a results file could not be made or read; says what to do.
public struct ResultsFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public var cause: String
  public var remedy: String
  public var description: String { "\(cause); \(remedy)" }
}

/// Largest size of a results file in bytes.
public let resultsFileLimit = 128 << 10

private struct ResultsFile: Codable {
  static let current = 1
  var format: Int
  var cells: [CellResult]
}

/// The results as pretty JSON with sorted keys, at most 64 KiB, with a final line ending.
///
/// Numbers of plots are kept to six digits and thinned as far as the limit asks for; everything else is exact; where that is not enough, the largest pictures of telemetry are left out.
/// `resultsJSON(parseResultsJSON(x)) == x`.
/// - Throws: `ResultsFileError` when it does not fit even without plots.
public func resultsJSON(_ results: [CellResult]) throws -> [UInt8] {
  for pointsMax in [nil, 100, 80, 60, 40, 25, 15, 8, 0] as [Int?] {
    let bytes = try encode(results.map { $0.withPlots(pointsMax: pointsMax) })
    if bytes.count <= resultsFileLimit { return bytes }
  }
  // Pictures of telemetry cannot be thinned; the largest go until the rest fits.
  var thinned = results.map { $0.withPlots(pointsMax: 8) }
  let largest = try thinned.indices.filter { thinned[$0].pictures != nil }
    .map { (place: $0, size: try encode([thinned[$0]]).count) }.sorted { ($1.size, $0.place) < ($0.size, $1.place) }
  for one in largest {
    thinned[one.place].pictures = nil
    let bytes = try encode(thinned)
    if bytes.count <= resultsFileLimit { return bytes }
  }
  throw ResultsFileError(
    cause: "the results of this notebook take more than \(resultsFileLimit / 1024) KiB even without plots",
    remedy: "split the notebook, or sweep fewer values")
}

/// Reads what `resultsJSON` wrote.
///
/// - Parameter blocks: only the results of these; the others are passed over without being decoded. nil: all.
/// - Throws: `ResultsFileError`.
public func parseResultsJSON(_ bytes: [UInt8], of blocks: Set<String>? = nil) throws -> [CellResult] {
  let file: ResultsFile
  let bytes = blocks.flatMap { keepingCells(of: $0, bytes) } ?? bytes
  do {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    file = try decoder.decode(ResultsFile.self, from: Data(bytes))
  } catch {
    throw ResultsFileError(
      cause: "this is not a results file of nb (\(readable(error)))",
      remedy: "take it from git again, or delete it and run the notebook")
  }
  guard file.format == ResultsFile.current else {
    throw ResultsFileError(
      cause: "the results file has format \(file.format); this nb reads format \(ResultsFile.current)",
      remedy: "use the nb that wrote it, or delete it and run the notebook")
  }
  return file.cells
}

private func readable(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "not JSON" }
  switch error {
  case .keyNotFound(let key, _): return "`\(key.stringValue)` is missing"
  case .typeMismatch(_, let context), .valueNotFound(_, let context):
    return "`\(context.codingPath.map(\.stringValue).joined(separator: "."))` has another type"
  case .dataCorrupted(let context):
    let path = context.codingPath.map(\.stringValue).joined(separator: ".")
    return path.isEmpty ? "not JSON" : "`\(path)` has a value that is not known here"
  @unknown default: return "not JSON"
  }
}

private func encode(_ results: [CellResult]) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  // JSON has no infinity; a payback time can be one.
  encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  let data = try encoder.encode(ResultsFile(format: ResultsFile.current, cells: results))
  return joiningNumberLists([UInt8](data)) + [0x0A]
}

/// Lists that hold only numbers on one line: a plot's series is then one line of a diff, and half the size.
func joiningNumberLists(_ json: [UInt8]) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(json.count)
  var i = 0
  var isString = false
  while i < json.count {
    let byte = json[i]
    if isString {
      out.append(byte)
      if byte == 0x5C, i + 1 < json.count {
        i += 1
        out.append(json[i])
      } else if byte == 0x22 {
        isString = false
      }
    } else if byte == 0x5B, let end = endOfNumberList(json, from: i) {
      for inner in json[i...end] where inner != 0x20 && inner != 0x0A {
        out.append(inner)
        if inner == 0x2C { out.append(0x20) }
      }
      i = end
    } else {
      isString = byte == 0x22
      out.append(byte)
    }
    i += 1
  }
  return out
}

private func endOfNumberList(_ json: [UInt8], from start: Int) -> Int? {
  var i = start + 1
  while i < json.count {
    switch json[i] {
    case 0x5D: return i
    case 0x20, 0x0A, 0x2C, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x45, 0x65: i += 1
    default: return nil
    }
  }
  return nil
}

extension CellResult {
  /// Its plots with rounded numbers and at most so many points a series (0: no plots).
  fileprivate func withPlots(pointsMax: Int?) -> CellResult {
    var copy = self
    if pointsMax == 0 {
      copy.plots = []
      return copy
    }
    for p in copy.plots.indices {
      for s in copy.plots[p].series.indices {
        let series = copy.plots[p].series[s]
        let kept = keptIndices(series.x.count, limit: pointsMax)
        func pick(_ values: [Double]) -> [Double] {
          kept.compactMap { $0 < values.count ? sixDigits(values[$0]) : nil }
        }
        copy.plots[p].series[s].x = pick(series.x)
        copy.plots[p].series[s].y = pick(series.y)
        copy.plots[p].series[s].low = series.low.map(pick)
        copy.plots[p].series[s].high = series.high.map(pick)
      }
    }
    return copy
  }
}

/// At most `limit` indices of 0..<count, evenly spread, first and last among them.
func keptIndices(_ count: Int, limit: Int?) -> [Int] {
  guard let limit, count > limit else { return Array(0..<count) }
  guard limit > 1 else { return count > 0 ? [0] : [] }
  return (0..<limit).map { $0 * (count - 1) / (limit - 1) }
}

/// Six significant digits: more than a plot of a thousand pixels shows.
private func sixDigits(_ value: Double) -> Double {
  value.isFinite ? Double(String(format: "%.5e", value)) ?? value : value
}
