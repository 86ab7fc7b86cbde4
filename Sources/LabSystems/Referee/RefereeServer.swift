// The referee as a process: an independent witness of what a load generator sends. It runs beside the lab's systems,
// shares no code with the load generator, and is believed where a tool's own report is not.
//
//   RefereeServer.serve → RefereeLoop (epoll) → ArrivalLog (stamps), ServicePlan (when to answer) → ControlPort (numbers out)

import CRefereeShims
import Foundation

/// Where a referee listens, all on this machine.
public struct RefereeReady: Hashable, Sendable {
  /// On 127.0.0.1; nil when it serves at a path.
  public var port: Int?
  public var controlPort: Int
  public var unixPath: String?
}

public enum RefereeServer {
  /// Serves until stdin ends, SIGTERM or SIGINT, or `/_referee/stop`; then leaves what `--out` asks for. Blocks the
  /// calling thread. A stdin that cannot be waited for, such as /dev/null, does not end it.
  ///
  /// - Parameter ready: called once, when requests are accepted.
  /// - Throws: `LabError` when it cannot listen, or cannot write its file at the end.
  public static func serve(_ options: RefereeOptions, ready: (RefereeReady) -> Void) throws(LabError) {
    let signals = try opened(ref_end_signals(), "referee")
    try run(options, endDescriptors: [signals, 0], ready: ready)
  }

  /// The same, ended by whatever becomes readable.
  static func run(_ options: RefereeOptions, endDescriptors: [Int32], ready: (RefereeReady) -> Void) throws(LabError) {
    let loop = try RefereeLoop(options, endDescriptors: endDescriptors)
    ready(loop.ready)
    loop.run()
    if let out = options.out { try leave(loop, at: out) }
  }

  private static func leave(_ loop: RefereeLoop, at path: String) throws(LabError) {
    do {
      try Data(buffer: loop.log.column(.kernel)).write(to: URL(fileURLWithPath: path), options: .atomic)
      try loop.summary.json.write(to: URL(fileURLWithPath: path + ".json"), options: .atomic)
    } catch {
      throw LabError(
        place: "--out \(path)", cause: "cannot be written: \(error.localizedDescription)",
        remedy: "name a file in a folder that exists")
    }
  }
}
