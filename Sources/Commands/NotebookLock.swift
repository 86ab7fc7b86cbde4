// Two nb on one notebook take turns: each holds `.nb/locks/NAME` for as long as it works on it. The kernel gives the lock of a
// process that is killed to the next one. Several locks are taken in the order of their names, so that nobody waits in a circle;
// those of the log and of the progress file come last and are held for a moment.

import ArgumentParser
import ExperimentModel
import Foundation
import Synchronization
import TextModel

struct LockOptions: ParsableArguments {
  @Option(help: "Seconds to wait for another nb that works on the same notebook; 0: say who it is, and end.") var wait = 600.0

  func validate() throws { if !(wait >= 0 && wait <= 1e6) { throw ValidationError("--wait is a number of seconds, at most a million") } }
}

/// Held until `release`, or until the value is gone.
final class NotebookLock {
  /// Files that this process holds, with how many values hold each: a command that calls another does not wait for itself.
  private static let held = Mutex<[String: (lock: FileLock, count: Int)]>([:])
  private var paths: [String] = []
  /// Somebody else had one of them: what was read before may be old.
  private(set) var hasWaited = false

  private init() {}
  deinit { release() }

  func release() {
    Self.held.withLock { held in
      for path in paths {
        guard let one = held[path] else { continue }
        held[path] = one.count > 1 ? (one.lock, one.count - 1) : nil
      }
    }
    paths = []
  }

  /// Takes the locks of notebooks, all or none.
  ///
  /// - Parameters:
  ///   - notebooks: their paths.
  ///   - patience: seconds.
  ///   - makesState: also where there is no `.nb` yet. A command that only edits need not make one: no run is at work there,
  ///     and what changes a file beneath it is noticed.
  /// - Throws: `notebook-busy` with who holds it; `interrupted`.
  static func take(_ notebooks: [String], patience: Double, makesState: Bool) throws(FileError) -> NotebookLock {
    var files: [String: String] = [:]
    for path in notebooks {
      let workspace = Workspace(for: path)
      guard makesState || access(workspace.state, F_OK) == 0 else { continue }
      if makesState { try makeFolder(workspace.locks) } else { _ = try? makeFolder(workspace.locks) }
      files[workspace.locks + "/\(Workspace.stem(path)).md"] = path
    }
    return try take(files, patience)
  }

  /// Takes the lock of a file that several notebooks share, such as the log.
  static func take(shared file: String, in workspace: Workspace) throws(FileError) -> NotebookLock {
    try makeFolder(workspace.locks)
    return try take([workspace.locks + "/" + (file as NSString).lastPathComponent: file], 60)
  }

  /// - Parameter files: what each lock is of.
  private static func take(_ files: [String: String], _ patience: Double) throws(FileError) -> NotebookLock {
    let taken = NotebookLock()
    let end = DispatchTime.now().uptimeNanoseconds + UInt64(patience * 1e9)
    for (file, path) in files.sorted(by: { $0.key < $1.key }) {
      var isSaid = false
      while !taken.add(file) {
        let holder = FileLock.holder(file).map(\.text) ?? "another nb"
        guard DispatchTime.now().uptimeNanoseconds < end else {
          throw FileError("notebook-busy", "\(holder) works on it", remedy: "run again when that has ended; `--wait SECONDS` waits longer", path: path)
        }
        if !isSaid { Output.error("\(path): waiting for \(holder)\n") }
        (isSaid, taken.hasWaited) = (true, true)
        if Interrupts.requested { throw FileError("interrupted", "interrupted while it waited for \(holder)", remedy: nil, path: path) }
        usleep(50_000)
      }
      // Nobody else writes it now.
      AtomicFile.removeLeftovers(of: path)
    }
    return taken
  }

  private func add(_ file: String) -> Bool {
    let isHeld = Self.held.withLock { held in
      if let one = held[file] {
        held[file] = (one.lock, one.count + 1)
        return true
      }
      guard let lock = FileLock.take(file, command: Self.command) else { return false }
      held[file] = (lock, 1)
      return true
    }
    if isHeld { paths.append(file) }
    return isHeld
  }

  private static let command = (["nb"] + commandWords).joined(separator: " ").replacing("\n", with: " ")
}

extension Workspace {
  var locks: String { state + "/locks" }
}

/// Reads a notebook, changes it, and writes it if nobody else did meanwhile.
///
/// - Returns: whether anything changed.
@discardableResult
func rewriteNotebook(_ path: String, _ change: (SourceText) throws(FileError) -> [UInt8]) throws(FileError) -> Bool {
  try takingTurns(path) { () throws(FileError) in
    let source = try SourceText(contentsOf: path)
    return try writeFileAtomically(path, try change(source), replacing: source.bytes)
  }
}

/// Reads and writes again as long as other programs, such as an editor, write between the two.
@discardableResult
func takingTurns<T>(_ path: String, _ body: () throws(FileError) -> T) throws(FileError) -> T {
  for _ in 0..<20 {
    do { return try body() } catch { guard error.diagnostic.id == "changed-meanwhile" else { throw error } }
  }
  throw FileError("changed-meanwhile", "another program writes this file again and again", remedy: "end it, and run the command again", path: path)
}
