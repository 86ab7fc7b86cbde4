// What untrusted-but-run code may still do. Trust says whether code runs; confinement bounds what it reaches when it does:
// no new privileges, no network, and writes only in a temporary folder of its own. It costs nothing to have and a filter's
// look at each system call to run, so it is asked for (`--confine`) and said in the result.

import CKernelShims
import Glibc

/// Bounds for children; made once for a run, and taken away with `remove`.
public struct Confinement: Hashable, Sendable {
  /// Where the code may write; its TMPDIR.
  public let folder: String
  /// As it stands in a result.
  public let text: String
  /// A rule set of Landlock; -1: this kernel has none.
  let rules: Int32

  /// Makes the folder and the rules.
  ///
  /// - Throws: when no folder can be made. A kernel without Landlock is no error: `text` says that writes are free.
  public init() throws(MeasureError) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/nb-confined-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw MeasureError("no folder for confined code could be made below \(parent): \(Launcher.reason())", remedy: "set TMPDIR to a folder that can be written")
    }
    let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    folder = path
    rules = path.withCString { path in
      var folders: [UnsafePointer<CChar>?] = [path]
      return nb_confine_writes(&folders, 1)
    }
    let writes = rules >= 0 ? "writes only below a temporary folder (Landlock \(nb_landlock_version()))" : "writes anywhere, as this kernel has no Landlock"
    text = "code was confined: no new privileges, no sockets but Unix ones, \(writes)"
  }

  /// What the code left behind goes with it.
  public func remove() {
    if rules >= 0 { close(rules) }
    _ = try? runProgram(["rm", "-rf", "--", folder], name: "rm")
  }
}
