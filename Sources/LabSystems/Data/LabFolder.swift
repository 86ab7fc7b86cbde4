import Foundation

/// Temporary folders of the lab, with the process that they belong to in their names: what a killed one leaves behind,
/// the next one removes.
enum LabFolder {
  /// A new folder `nb-lab-PID-NUMBER`.
  /// - Parameter mode: who may enter it.
  static func make(mode: Int = 0o700) throws -> String {
    let parent = FileManager.default.temporaryDirectory.path
    removeLeftovers(in: parent)
    let folder = "\(parent)/nb-lab-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max))"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: mode])
    } catch {
      throw LabError(
        place: folder, cause: "the lab cannot make its folder: \(error.localizedDescription)",
        remedy: "set TMPDIR to a folder that is writable")
    }
    return folder
  }

  private static func removeLeftovers(in parent: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for name in names where name.hasPrefix("nb-lab-") {
      let parts = name.split(separator: "-")
      guard parts.count == 4, let pid = Int32(parts[2]), kill(pid, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
    }
  }
}
