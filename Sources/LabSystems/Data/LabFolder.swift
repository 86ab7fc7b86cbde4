import Foundation

/// Where a lab keeps its files: a folder of its own below the temporary one, deleted with the lab; or one that was asked
/// for, which stays, so that the next lab goes on with what is in it. A temporary one has the process that it belongs to
/// in its name, `nb-lab-PID-NUMBER`: what a killed one leaves behind, the next one removes.
final class LabFolder: @unchecked Sendable {
  let path: String
  private let isTemporary: Bool

  /// - Parameters:
  ///   - directory: made when it is not there; nil: a temporary one.
  ///   - mode: who may enter it.
  init(_ directory: String? = nil, mode: Int = 0o700) throws {
    let parent = FileManager.default.temporaryDirectory.path
    isTemporary = directory == nil
    if directory == nil { Self.removeLeftovers(in: parent) }
    path = directory ?? "\(parent)/nb-lab-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max))"
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: !isTemporary, attributes: [.posixPermissions: mode])
    } catch {
      throw LabError(
        place: path, cause: "the lab cannot make its folder: \(error.localizedDescription)",
        remedy: isTemporary ? "set TMPDIR to a folder that is writable" : "name a folder that is writable")
    }
  }

  deinit { remove() }

  /// Deletes a temporary folder. Who ends a lab calls this: a process that exits releases nothing.
  func remove() { if isTemporary { try? FileManager.default.removeItem(atPath: path) } }

  /// Folders of labs that were killed before they could clean up.
  static func removeLeftovers(in parent: String = FileManager.default.temporaryDirectory.path) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for name in names where name.hasPrefix("nb-lab-") {
      let parts = name.split(separator: "-")
      guard parts.count == 4, let pid = Int32(parts[2]), kill(pid, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
    }
  }
}
