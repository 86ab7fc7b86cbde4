// What a loop asked of the kernel, counted where it asks: exact, at the cost of an addition. `strace -c` counts the same.

import CKernelShims

/// System calls of the load's own loops, by strace's names. Clocks are read through the vDSO and are none.
public struct SystemCalls: Sendable, Hashable {
  public var sendto = 0
  /// `recvfrom`, or `recvmsg` with the kernel's stamps.
  public var receive = 0
  /// `epoll_wait` and `epoll_pwait2`.
  public var epollWait = 0
  public var epollCtl = 0
  public var socket = 0
  public var connect = 0
  public var setsockopt = 0
  public var getsockopt = 0
  public var close = 0
  public init() {}

  public var total: Int { named.values.reduce(0, +) }

  /// For reports.
  public var named: [String: Int] {
    [
      "sendto": sendto, "recvfrom": receive, "epoll_wait": epollWait, "epoll_ctl": epollCtl, "socket": socket, "connect": connect,
      "setsockopt": setsockopt, "getsockopt": getsockopt, "close": close,
    ]
  }

  public static func + (a: Self, b: Self) -> Self { combined(a, b, +) }
  public static func - (a: Self, b: Self) -> Self { combined(a, b, -) }

  private static func combined(_ a: Self, _ b: Self, _ operation: (Int, Int) -> Int) -> Self {
    var both = Self()
    for field in [
      \.sendto, \.receive, \.epollWait, \.epollCtl, \.socket, \.connect, \.setsockopt, \.getsockopt, \.close,
    ] as [WritableKeyPath<Self, Int>] { both[keyPath: field] = operation(a[keyPath: field], b[keyPath: field]) }
    return both
  }
}

/// What the kernel counted on the generator's own connections (TCP_INFO), in all; nil: it does not count that.
public struct TCPTotals: Sendable, Hashable {
  /// Sockets that were asked.
  public var connections = 0
  public var bytesSent: Int? = 0
  public var bytesReceived: Int? = 0
  public var bytesRetransmitted: Int? = 0
  /// Segments sent again by this end; what the target sent again only the target's kernel knows.
  public var retransmits: Int? = 0
  public init() {}

  /// Adds a socket's counts. Not TCP: nothing.
  mutating func add(socket descriptor: Int32) {
    var counts = nb_tcp_counts()
    guard nb_tcp_counts(descriptor, &counts) == 0 else { return }
    connections += 1
    func sum(_ total: Int?, _ count: Int64) -> Int? { if let total, count >= 0 { total + Int(count) } else { nil } }
    bytesSent = sum(bytesSent, counts.bytes_sent)
    bytesReceived = sum(bytesReceived, counts.bytes_received)
    bytesRetransmitted = sum(bytesRetransmitted, counts.bytes_retransmitted)
    retransmits = sum(retransmits, counts.segments_retransmitted)
  }

  public static func + (a: Self, b: Self) -> Self {
    func sum(_ x: Int?, _ y: Int?) -> Int? { if let x, let y { x + y } else { nil } }
    var both = a
    both.connections += b.connections
    both.bytesSent = sum(a.bytesSent, b.bytesSent)
    both.bytesReceived = sum(a.bytesReceived, b.bytesReceived)
    both.bytesRetransmitted = sum(a.bytesRetransmitted, b.bytesRetransmitted)
    both.retransmits = sum(a.retransmits, b.retransmits)
    return both
  }
}
