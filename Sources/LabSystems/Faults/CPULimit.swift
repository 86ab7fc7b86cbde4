import ExperimentModel
import Foundation
import MeasureKernel

/// A limit on the CPU time of this whole process, kept by a child of it: a process that is stopped cannot let itself go on.
/// The child is `nb lab throttle`; it ends, and the limit with it, when its stdin does.
final class CPULimit {
  private let child: ChildProcess
  /// 0: the controller of signals; 1: a version 1 control group; 2: one of version 2.
  private(set) var method = 0
  private(set) var periods = 0
  /// Periods in which the process had to wait for the next one.
  private(set) var throttled = 0

  /// - Parameters:
  ///   - cpus: CPUs' worth of time in each period.
  ///   - period: nanoseconds.
  init(cpus: Double, period: Int64) throws(LabError) {
    let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    do throws(MeasureError) {
      child = try ChildProcess(name: "the CPU limit", argv: [program, "lab", "throttle", "\(cpus)", "\(period)"])
    } catch {
      throw LabError(place: "lab", cause: "the CPU limit did not start: \(error.cause)", remedy: "is there room for one more process?")
    }
  }

  /// Takes in what the child has counted so far.
  func update() {
    while let line = child.lineIfThere() {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      if numbers.count == 3 { (method, periods, throttled) = (numbers[0], numbers[1], numbers[2]) }
    }
  }

  func stop() {
    update()
    child.stop()
  }
}
