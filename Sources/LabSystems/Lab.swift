import ExperimentModel
import Foundation
import TelemetryModel

// The lab: systems under test with known behaviour, served over real sockets by a process of their own, so that
// their CPU time is accounted apart from the load generator's. It never measures response times and never judges;
// it counts what happened inside and hands the counts out at /_nb/counters.
//
//   Lab.serve → LabServer (sockets, loops) → Connection (HTTP) → Role (queue, workers) → stages

/// What a parent must know about a lab that is listening.
public struct LabReady: Codable, Hashable, Sendable {
  /// On 127.0.0.1.
  public var port: Int
  /// Where the control plane answers plain HTTP/1.1, when `port` does not.
  public var controlPort: Int?
  public var pid: Int32
  /// Port of the lab's own memcached, when a cache has `l2: lab`.
  public var l2Port: Int?
  public init(port: Int, pid: Int32, l2Port: Int? = nil, controlPort: Int? = nil) {
    self.port = port; self.pid = pid; self.l2Port = l2Port; self.controlPort = controlPort
  }
}

/// Spans, points or log records that a lab recorded, as OTLP in protobuf.
public struct RecordedTelemetry: Sendable {
  public var signal: TelemetrySignal
  public var records: Int
  public var payload: [UInt8]
}

public enum Lab {
  /// Removes the folders of labs that were killed. A lab does so when it starts; this is for who has seen one die.
  public static func removeLeftovers() { LabFolder.removeLeftovers() }

  /// Serves a system on 127.0.0.1 until SIGTERM or SIGINT, and with `followParent` until stdin ends or the parent
  /// process is gone. Blocks the calling thread.
  ///
  /// The death of the parent is seen by the end of stdin and, once a second, by a changed parent id. The kernel's
  /// PR_SET_PDEATHSIG is not used: it fires when the *thread* that started the lab ends, and pool threads do.
  ///
  /// - Parameters:
  ///   - port: 0 lets the system choose.
  ///   - directory: keeps the database and the queues, for the next lab; nil: a temporary one.
  ///   - deliver: is given what was recorded, once a second and at the end; nil: it waits to be fetched.
  ///   - ready: called once, when requests are accepted.
  /// - Returns: spans and log records that found no room in the lab.
  /// - Throws: `LabError` when the system cannot be served or the port is taken.
  @discardableResult
  public static func serve(
    _ system: SystemSpec, port: Int, followParent: Bool, directory: String? = nil, deliver: ((RecordedTelemetry) -> Void)? = nil,
    ready: (LabReady) -> Void
  ) throws -> Int {
    let ending = try Ending()
    let parent = getppid()
    if followParent { Ending.goesOnWithoutParent() }
    let server = try LabServer(system, port: port, pid: getpid(), directory: directory)
    defer { server.stop() }
    ready(server.ready)
    ending.wait(followingParent: followParent ? parent : nil, eachSecond: deliver.map { deliver in { server.drain(into: deliver) } })
    if let deliver { server.drain(into: deliver) }
    return server.droppedTelemetry
  }
}

/// What ends a process of the lab.
struct Ending {
  private let signals: SignalPipe
  init() throws { signals = try SignalPipe() }

  /// A lab that is stopped, as a CPU limit does it, must see the end of its parent too: when stdin's other end is closed, the
  /// kernel sends SIGCONT instead of the usual SIGIO.
  static func goesOnWithoutParent() {
    #if os(Linux)
      let (setOwner, setSignal, isAsynchronous): (Int32, Int32, Int32) = (8, 10, 0o20000)
      _ = fcntl(0, setOwner, getpid())
      _ = fcntl(0, setSignal, SIGCONT)
      _ = fcntl(0, F_SETFL, fcntl(0, F_GETFL, 0) | isAsynchronous)
    #endif
  }

  /// Returns at SIGTERM or SIGINT, and with a parent when stdin ends or another process has become our parent.
  func wait(followingParent parent: pid_t?, eachSecond work: (() -> Void)? = nil) {
    while true {
      var watched = [pollfd(fd: signals.readEnd, events: Int16(POLLIN), revents: 0)]
      if parent != nil { watched.append(pollfd(fd: 0, events: Int16(POLLIN), revents: 0)) }
      let count = poll(&watched, nfds_t(watched.count), parent != nil || work != nil ? 1_000 : -1)
      if count < 0 && errno != EINTR { return }
      if watched[0].revents != 0 { return }
      work?()
      guard let parent else { continue }
      if getppid() != parent { return }
      if count > 0 && watched[1].revents != 0 {
        var scratch = [UInt8](repeating: 0, count: 4096)
        let got = read(0, &scratch, scratch.count)
        if got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN) { return }
      }
    }
  }
}

/// SIGTERM and SIGINT as bytes in a pipe, the only thing that a signal handler may safely do.
private struct SignalPipe {
  nonisolated(unsafe) private static var writeEnd: Int32 = -1
  let readEnd: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw LabError(
        place: "lab", cause: "no pipe for signals: \(String(cString: strerror(errno)))",
        remedy: "raise the limit of open files (`ulimit -n`)")
    }
    readEnd = ends[0]
    Self.writeEnd = ends[1]
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    for number in [SIGTERM, SIGINT] {
      signal(number) { _ in
        var byte: UInt8 = 1
        _ = write(SignalPipe.writeEnd, &byte, 1)
      }
    }
    signal(SIGPIPE, SIG_IGN)
    // A parent that blocks signals hands its mask on to us.
    var ours = sigset_t()
    sigemptyset(&ours)
    sigaddset(&ours, SIGTERM)
    sigaddset(&ours, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &ours, nil)
  }
}
