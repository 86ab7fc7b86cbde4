// `nb lab referee`: the independent witness at which load generators are judged. Reads options, prints where it
// listens, and leaves everything else to LabSystems.

import ArgumentParser
import LabSystems
import TextModel

struct Referee: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "referee",
    abstract: "A server that stamps every arrival with the kernel's time, serves and misbehaves as told.",
    discussion: """
      The control port answers /_referee/summary (JSON), /_referee/arrivals, user, sent, connections (little-endian
      64-bit nanoseconds or numbers), /_referee/reset and /_referee/stop. Ends when stdin ends, or on SIGTERM.
      """)

  @Option(help: "Port on 127.0.0.1; 0 takes a free one.") var port = 0
  @Option(help: "Port of the control paths; 0 takes a free one.") var controlPort = 0
  @Option(name: .customLong("unix"), help: "Serve at a Unix socket instead of a port.") var unixPath: String?
  @Option(help: "Service time: 0, 100us, uniform:50us-150us, exp:100us.") var service = "0"
  @Option(help: "Servers of a first-come-first-served queue; 0 serves all requests at once.") var servers = 0
  @Option(help: "Requests/s that the servers can serve; sets the mean service time.") var capacity: Double?
  @Option(help: "Answer nothing for LENGTH, OFFSET after the first request: 5s:1s, or several with commas.") var stall: [String] = []
  @Flag(help: "Refuse connections; only the control port answers.") var refuse = false
  @Option(help: "Reset the connection at every n-th request.") var resetEvery = 0
  @Option(help: "Send half of every n-th response, then close.") var halfResponseEvery = 0
  @Option(help: "Close after every n-th response, unannounced.") var closeEvery = 0
  @Option(help: "Answer every n-th request with a status, as n:500.") var statusEvery: String?
  @Option(help: "Answer every n-th request with bytes that are not HTTP.") var garbageEvery = 0
  @Option(help: "Read at most this many bytes of a connection in 10 ms.") var slowRead = 0
  @Option(help: "Bytes of a response body.") var body = 2
  @Flag(help: "Send bodies in chunks.") var chunked = false
  @Option(help: "Arrivals whose stamps are kept (32 bytes each); later ones are counted.") var kept = 2_000_000
  @Option(help: "Poll for this long before an answer is due.") var spin = "150us"
  @Flag(help: "Poll all the time; takes a whole core.") var busy = false
  @Option(help: "Seed of random service times.") var seed: UInt64 = 1
  @Option(help: "At the end leave the kernel stamps in this file, and the summary in FILE.json.") var out: String?

  func run() throws {
    do {
      try RefereeServer.serve(try options()) { ready in
        let place = ready.port.map { "http://127.0.0.1:\($0)" } ?? "unix:\(ready.unixPath ?? "")"
        Output.standard("listening on \(place)\ncontrol on http://127.0.0.1:\(ready.controlPort)/_referee/\n")
      }
    } catch {
      Output.failure(Diagnostic("lab-failed", .error, "\(error.place): \(error.cause)", remedy: error.remedy))
      throw Exit.failed
    }
  }

  private func options() throws(LabError) -> RefereeOptions {
    var options = RefereeOptions()
    (options.port, options.controlPort, options.unixPath) = (port, controlPort, unixPath)
    (options.servers, options.service) = (servers, try ServiceTime(service))
    if let capacity { try options.setCapacity(capacity) }
    if !stall.isEmpty { options.stalls = try RefereeOptions.stalls(stall.joined(separator: ",")) }
    (options.refuses, options.slowRead) = (refuse, slowRead)
    (options.bodyLength, options.chunked) = (body, chunked)
    options.misbehaviour.resetEvery = resetEvery
    options.misbehaviour.halfEvery = halfResponseEvery
    options.misbehaviour.closeEvery = closeEvery
    options.misbehaviour.garbageEvery = garbageEvery
    if let statusEvery { try options.misbehaviour.setStatus(statusEvery) }
    guard let spin = RefereeOptions.nanoseconds(spin) else {
      throw LabError(place: "--spin", cause: "`\(spin)` is no duration", remedy: "write it like 150us")
    }
    (options.spin, options.busy, options.kept) = (spin, busy, kept)
    (options.seed, options.out) = (seed, out)
    return options
  }
}
