// What the tests of children share: a folder of their own, and whether a process is still there.

import Foundation
import Glibc

@testable import MeasureKernel

/// A folder that lives as long as this value.
final class Scratch {
  let path = "\(NSTemporaryDirectory())nb-test-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func text(_ name: String) -> String? { try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

  /// The pids that children have written into a file, one a line.
  func pids(_ name: String) -> [pid_t] { (text(name) ?? "").split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) } }
}

/// Whether a process runs or waits to be reaped.
func isThere(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }

func hasTool(_ name: String) -> Bool { Tools.find(name) != nil }

/// Largest resident memory of this process in bytes.
func ownPeak() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return Int(usage.ru_maxrss) * 1_024
}

/// The error that something throws.
func failure(_ work: () throws -> Void) -> MeasureError? {
  do { try work() } catch { return error as? MeasureError }
  return nil
}
