// What one person has trusted, and where that is kept: in their state folder, one small file a notebook. Never in the
// project, where whoever writes the notebook could write the trust as well.

import Crypto
import Foundation
import TextModel

/// What was trusted of one notebook.
public struct TrustRecord: Codable, Hashable, Sendable {
  /// Absolute, without links.
  public var path: String
  /// ISO date.
  public var since: String
  public var parts: [ExecutablePart]

  public init(path: String, since: String, parts: [ExecutablePart]) {
    self.path = path
    self.since = since
    self.parts = parts
  }
}

/// The records of the person who runs nb.
public struct TrustStore: Sendable {
  /// Where they are kept.
  public let folder: String

  /// `$XDG_STATE_HOME/nb/trust`, else `~/.local/state/nb/trust` (XDG base directory specification 0.8: a relative path is ignored).
  ///
  /// - Throws: `no-state-folder` when neither variable says a place.
  public init(environment: [String: String]) throws(FileError) {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      folder = state + "/nb/trust"
    } else if let home = environment["HOME"], home.hasPrefix("/") {
      folder = home + "/.local/state/nb/trust"
    } else {
      throw FileError(
        "no-state-folder", "there is no place to keep trust in: neither XDG_STATE_HOME nor HOME is an absolute path",
        remedy: "set one of them, or trust for one run only: --trust", path: "trust")
    }
  }

  init(folder: String) { self.folder = folder }

  /// nil: nothing of this notebook was ever trusted. A file that cannot be read as a record gives no trust.
  public func record(of path: String) -> TrustRecord? {
    guard let bytes = try? readFile(file(of: path), limit: 16 << 20), let record = try? JSONDecoder().decode(TrustRecord.self, from: Data(bytes)),
      record.path == path
    else { return nil }
    return record
  }

  /// On return it is on the disk.
  public func keep(_ record: TrustRecord) throws(FileError) {
    try makeFolder(folder)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(record) else {
      throw FileError("write-failed", "the record cannot be written as JSON", remedy: nil, path: file(of: record.path))
    }
    try writeFileAtomically(file(of: record.path), [UInt8](data) + [0x0A])
  }

  /// - Returns: false when there was none.
  public func forget(_ path: String) -> Bool { unlink(file(of: path)) == 0 }

  /// All records, by path.
  public func all() -> [TrustRecord] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".json") }.compactMap { name in
      (try? readFile(folder + "/" + name, limit: 16 << 20)).flatMap { try? JSONDecoder().decode(TrustRecord.self, from: Data($0)) }
    }
    .sorted { $0.path < $1.path }
  }

  private func file(of path: String) -> String { "\(folder)/\(ExecutablePart.digest(of: [path]).prefix(32)).json" }
}
