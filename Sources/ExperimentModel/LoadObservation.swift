// What a load cost its two ends, beside its times. Every figure may be unknown, and then says why: a zero here was counted.

/// What the processes of one end used while a load ran.
public struct ProcessFootprint: Codable, Hashable, Sendable {
  /// Processes that were added up.
  public var processes: Int
  /// Nanoseconds on a CPU, and nanoseconds ready without one, for each request.
  public var cpuPerRequest: Double?
  public var runQueueWait: Double?
  /// Bytes of memory, and open descriptors, at the end of the load.
  public var rss: Double?
  public var descriptors: Int?
  /// Read from and written to storage during the load.
  public var diskBytes: Int?
  public var fsyncs: Int?
  /// Calls of the read and write family for each request: a part of all system calls.
  public var readsAndWrites: Double?
  public var syscalls: Double?
  /// Calls by name, where they were counted one by one.
  public var syscallsByName: [String: Int]?
  /// Why a figure is not known, by metric name.
  public var unknown: [String: String]
  public init(processes: Int = 0) {
    self.processes = processes
    unknown = [:]
  }

  /// The figures under their metric names, in the order of a report; nil: unknown.
  public var figures: [(metric: String, value: Double?)] {
    [
      ("cpu_per_req", cpuPerRequest), ("runqueue_wait", runQueueWait), ("rss", rss), ("descriptors", descriptors.map(Double.init)),
      ("disk_bytes", diskBytes.map(Double.init)), ("fsyncs", fsyncs.map(Double.init)), ("io_calls_per_req", readsAndWrites),
      ("syscalls_per_req", syscalls),
    ]
  }
}

/// What the kernel counted on the generator's connections; nil: this kernel does not count it.
public struct ConnectionFootprint: Codable, Hashable, Sendable {
  public var connections: Int
  public var bytesSent: Int?
  public var bytesReceived: Int?
  /// Segments that the generator's end sent again, and their bytes.
  public var retransmits: Int?
  public var bytesRetransmitted: Int?
  public init(connections: Int, bytesSent: Int?, bytesReceived: Int?, retransmits: Int?, bytesRetransmitted: Int?) {
    self.connections = connections; self.bytesSent = bytesSent; self.bytesReceived = bytesReceived
    self.retransmits = retransmits; self.bytesRetransmitted = bytesRetransmitted
  }
}

public struct LoadObservation: Codable, Hashable, Sendable {
  public var generator: ProcessFootprint
  /// nil: not seen, and `targetUnknown` says why.
  public var target: ProcessFootprint?
  public var targetUnknown: String?
  public var connections: ConnectionFootprint?
  public init(generator: ProcessFootprint) { self.generator = generator }
}
