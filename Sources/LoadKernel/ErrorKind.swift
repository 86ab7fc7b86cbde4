// Why a request failed, as few kinds as lead to different remedies. The raw value is an index into fixed arrays of
// the recorder; the name is what results and tables call it.

import Glibc

public enum ErrorKind: UInt8, Sendable, CaseIterable {
  case dns, refused, connectTimeout, reset, closed, timeout, status, malformed, tooLarge, tls, descriptors, ports, check, unreachable

  public var name: String {
    switch self {
    case .connectTimeout: "connect-timeout"
    case .tooLarge: "too-large"
    default: "\(self)"
    }
  }

  /// What to do about it; nil where the target has to answer for it.
  public var remedy: String? {
    switch self {
    case .dns: "check the name; the resolver did not know it"
    case .refused: "start the server first"
    case .descriptors: "raise the limit with `ulimit -n`"
    case .ports: "fewer new connections: keep them alive, or widen net.ipv4.ip_local_port_range"
    case .connectTimeout: "the target's accept queue is full, or a firewall drops packets"
    case .tls: "check that the target speaks TLS there, and its certificate; a throw-away one needs the explicit flag"
    default: nil
    }
  }

  /// No connection came about: worth a pause before the next try.
  var isConnect: Bool {
    switch self {
    case .dns, .refused, .connectTimeout, .descriptors, .ports, .tls, .unreachable: true
    default: false
    }
  }

  /// The kind of an errno of connect or socket.
  init(connect code: Int32) {
    switch code {
    case ECONNREFUSED, ENOENT: self = .refused
    case ETIMEDOUT: self = .connectTimeout
    case EMFILE, ENFILE, ENOBUFS, ENOMEM: self = .descriptors
    case EADDRNOTAVAIL: self = .ports
    // A Unix listener whose backlog is full says EAGAIN; TCP says nothing and lets the time run out.
    case EAGAIN: self = .refused
    case ECONNRESET, EPIPE: self = .reset
    default: self = .unreachable
    }
  }
}
