// Says when a file below some folders was written, replaced or removed (inotify). What changed is the build's to find out;
// here is only told that something did.

import Foundation
import Glibc

public final class FolderWatch {
  private let descriptor: Int32
  private var folders: [Int32: String] = [:]
  private static let wanted = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE)

  /// - Parameters:
  ///   - folders: each with all below it, but for hidden ones and `_site`.
  /// - Returns: nil: the system has no watches left.
  public init?(_ folders: [String]) {
    descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    guard descriptor >= 0 else { return nil }
    for folder in folders { add(folder) }
  }

  deinit { close(descriptor) }

  private func add(_ folder: String) {
    let watch = inotify_add_watch(descriptor, folder, Self.wanted)
    guard watch >= 0, folders.updateValue(folder, forKey: watch) == nil else { return }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where Self.isWatched(name) {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder), isFolder.boolValue { add(folder + "/" + name) }
    }
  }

  private static func isWatched(_ name: String) -> Bool { !name.hasPrefix(".") && name != "_site" }

  /// Waits for a change, then until none came for `quiet` ms: an editor that saves writes more than once.
  ///
  /// - Returns: names of the files; empty when nothing came within `limit` ms or a signal did.
  public func changes(limit: Int32 = 200, quiet: Int32 = 4) -> Set<String> {
    var changed: Set<String> = []
    var wait = limit
    while true {
      var one = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&one, 1, wait) > 0 else { return changed }
      changed.formUnion(read())
      // A file that was only created will be written, and says so.
      wait = changed.isEmpty ? limit : quiet
    }
  }

  private func read() -> Set<String> {
    var names: Set<String> = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return names }
    buffer.withUnsafeBytes { bytes in
      var i = 0
      while i + MemoryLayout<inotify_event>.size <= count {
        let event = bytes.loadUnaligned(fromByteOffset: i, as: inotify_event.self)
        let start = i + MemoryLayout<inotify_event>.size
        let name = String(decoding: bytes[start..<start + Int(event.len)].prefix { $0 != 0 }, as: UTF8.self)
        i = start + Int(event.len)
        guard let folder = folders[event.wd], Self.isWatched(name) else { continue }
        if event.mask & UInt32(IN_CREATE) != 0 {
          if event.mask & UInt32(IN_ISDIR) != 0 { add(folder + "/" + name) }
          continue
        }
        names.insert(folder + "/" + name)
      }
    }
    return names
  }
}
