// Both ends of a load from outside: readings of /proc before the load and after its last answer, what the kernel counted on the
// connections, what the loop asked of the kernel. The lab adds the fsyncs that it counted itself.

import ExperimentModel
import Glibc
import LoadKernel
import MeasureKernel

/// What both ends used during one slice.
struct SliceFootprint {
  var generator = ProcessSpan()
  /// nil: not seen.
  var target: ProcessSpan?

  func followed(by other: SliceFootprint) -> SliceFootprint {
    SliceFootprint(
      generator: generator.followed(by: other.generator),
      target: target.flatMap { mine in other.target.map { mine.followed(by: $0) } })
  }
}

/// Reads both ends when made and when told that the load is over.
final class LoadWatch {
  private let target: [pid_t]
  private let before: (own: ProcessReading, target: ProcessReading)
  private var after: (own: ProcessReading, target: ProcessReading)?

  /// - Parameter target: its processes; empty: not to be seen.
  init(target: [pid_t]) {
    self.target = target
    before = (ProcessProbe.read([getpid()]), ProcessProbe.read(target))
  }

  /// The load is over, and its connections are still open.
  func end() { after = (ProcessProbe.read([getpid()]), ProcessProbe.read(target)) }

  var footprint: SliceFootprint {
    guard let after else { return SliceFootprint() }
    return SliceFootprint(
      generator: ProcessSpan(from: before.own, to: after.own, processes: 1),
      target: target.isEmpty ? nil : ProcessSpan(from: before.target, to: after.target, processes: target.count))
  }
}

extension LoadObservation {
  /// - Parameters:
  ///   - fsyncs: that the target counted itself; nil: it counts none.
  ///   - targetUnknown: why the footprint has no target.
  init(_ footprint: SliceFootprint, _ record: LoadRecord, fsyncs: Int?, targetUnknown: String? = nil) {
    let requests = Double(max(1, record.sent))
    self.init(generator: ProcessFootprint(footprint.generator, requests: requests))
    generator.readsAndWrites = nil
    generator.unknown["fsyncs"] = "not counted; a generator has nothing to sync"
    generator.unknown["io_calls_per_req"] = "its calls are counted one by one"
    if let calls = record.systemCalls {
      generator.syscalls = Double(calls.total) / requests
      generator.syscallsByName = calls.named.merging(record.systemCallsBefore?.named ?? [:], uniquingKeysWith: +)
    } else {
      generator.unknown["syscalls_per_req"] = "over TLS and HTTP/2 swift-nio makes the calls"
    }
    if let used = footprint.target {
      var target = ProcessFootprint(used, requests: requests)
      target.fsyncs = fsyncs
      if fsyncs == nil { target.unknown["fsyncs"] = "only a lab whose stages sync counts them" }
      target.unknown["syscalls_per_req"] = "counting another process's calls needs the tracepoint raw_syscalls, and that needs root"
      self.target = target
    } else {
      self.targetUnknown = targetUnknown ?? "its process was not found"
    }
    if let tcp = record.tcp {
      connections = ConnectionFootprint(
        connections: tcp.connections, bytesSent: tcp.bytesSent, bytesReceived: tcp.bytesReceived, retransmits: tcp.retransmits,
        bytesRetransmitted: tcp.bytesRetransmitted)
    }
  }

  /// Totals of several runs become those of one; what is per request stays.
  mutating func divideCounts(by runs: Int) {
    func one(_ count: Int?) -> Int? { count.map { $0 / runs } }
    if var seen = target {
      seen.diskBytes = one(seen.diskBytes)
      seen.fsyncs = one(seen.fsyncs)
      target = seen
    }
    generator.diskBytes = one(generator.diskBytes)
    guard var wire = connections else { return }
    wire.retransmits = one(wire.retransmits)
    wire.bytesSent = one(wire.bytesSent)
    wire.bytesReceived = one(wire.bytesReceived)
    connections = wire
  }

  /// Metrics of the target under their names, those of the generator as `generator_…`.
  var metrics: [(String, Double)] {
    let ends = [("", target?.figures ?? []), ("generator_", generator.figures)].flatMap { prefix, figures in
      figures.map { (prefix + $0.metric, $0.value) }
    }
    let wire = [
      ("retransmits", connections?.retransmits), ("tcp_bytes_sent", connections?.bytesSent), ("tcp_bytes_received", connections?.bytesReceived),
    ].map { ($0.0, $0.1.map(Double.init)) }
    return (ends + wire).compactMap { name, value in value.map { (name, $0) } }
  }
}

extension ProcessFootprint {
  fileprivate init(_ used: ProcessSpan, requests: Double) {
    self.init(processes: used.processes)
    cpuPerRequest = used.cpu.map { Double($0) / requests }
    runQueueWait = used.runQueueWait.map { Double($0) / requests }
    rss = used.residentBytes.map(Double.init)
    descriptors = used.descriptors
    diskBytes = used.diskBytes.map(Int.init)
    readsAndWrites = used.readsAndWrites.map { Double($0) / requests }
    for (name, value) in figures where value == nil && name != "fsyncs" && name != "syscalls_per_req" {
      unknown[name] = name == "runqueue_wait" && cpuPerRequest != nil ? "a thread ended during the load" : "/proc does not say"
    }
  }
}

extension LoadTarget {
  /// The processes behind it, when they run on this machine and may be looked at.
  func processes() -> (pids: [pid_t], unknown: String?) {
    let found: [pid_t]
    switch kind {
    case .unix(let path): found = ProcessProbe.listeners(unixSocket: path)
    case .tcp(let host, let port):
      guard host == "localhost" || host == "::1" || host.hasPrefix("127.") else { return ([], "the target is another machine") }
      found = ProcessProbe.listeners(port: port)
    }
    if found.contains(getpid()) { return ([], "the target is this process") }
    return (found, found.isEmpty ? "its process is not this user's, or not in this container" : nil)
  }
}
