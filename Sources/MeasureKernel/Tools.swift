// Programs of this machine that nb uses when they are there.

import Glibc

public enum Tools {
  /// The file that would be started for `name`: as given when it has a slash, else the first on the PATH.
  ///
  /// - Parameter folder: where a relative path starts; nil: nb's working folder.
  public static func find(_ name: String, from folder: String? = nil) -> String? {
    guard !name.isEmpty else { return nil }
    if name.contains("/") {
      let path = name.hasPrefix("/") || folder == nil ? name : "\(folder!)/\(name)"
      return isProgram(path) ? name : nil
    }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    for folder in path.split(separator: ":") where isProgram("\(folder)/\(name)") { return "\(folder)/\(name)" }
    return nil
  }

  /// The program, or an error that names it.
  static func need(_ names: [String], for purpose: String) throws(MeasureError) -> String {
    for name in names { if let path = find(name) { return path } }
    throw MeasureError(
      "\(purpose) needs \(names.map { "`\($0)`" }.joined(separator: " or ")), which is not on the PATH",
      remedy: "install it, or leave this subject out")
  }

  private static func isProgram(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }

  /// What changes when a program is replaced: its real path, size and time of change.
  static func identity(_ path: String) -> String {
    var information = stat()
    guard stat(path, &information) == 0 else { return path }
    let real = realpath(path, nil)
    defer { free(real) }
    let name = real.map { String(cString: $0) } ?? path
    return "\(name) \(information.st_size) \(information.st_mtim.tv_sec).\(information.st_mtim.tv_nsec)"
  }
}
