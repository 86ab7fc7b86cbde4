// Where load goes. Loopback and Unix sockets always may be; any other address needs `permitted`, which only a caller
// sets who was told so by the user. Names are resolved before a run, never in it.

import CKernelShims
import Glibc

public struct LoadTarget: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// `host` is numeric, `localhost`, or a name that `resolve` gave `addresses` for.
    case tcp(host: String, port: Int)
    case unix(path: String)
  }
  public enum Transport: Sendable, Hashable {
    case http1
    /// HTTP/1.1 over TLS.
    case tls
    /// HTTP/2 over TLS, by ALPN.
    case http2
    /// HTTP/2 with prior knowledge, without TLS.
    case http2Clear
  }
  public var kind: Kind
  public var transport = Transport.http1
  /// Numeric addresses that `resolve` found for a name; the first is used.
  public var addresses: [String] = []
  /// The caller has permission to load a host that is not this machine.
  public var permitted = false
  /// The `Host` header; nil: host and port, or `localhost` for a Unix socket.
  public var authority: String?
  /// TLS: accepts any certificate. For throw-away ones of a test server only.
  public var acceptsAnyCertificate = false
  /// TLS: PEM file with the authorities to trust beside the system's.
  public var trustedCertificates: String?

  public init(_ kind: Kind, permitted: Bool = false) {
    self.kind = kind
    self.permitted = permitted
  }
  public init(host: String, port: Int) { self.init(.tcp(host: host, port: port)) }
  public init(unixSocket path: String) { self.init(.unix(path: path)) }

  public var host: String { if case .tcp(let host, _) = kind { host } else { "localhost" } }
  public var port: Int { if case .tcp(_, let port) = kind { port } else { 0 } }

  /// What messages call it.
  public var text: String {
    switch kind {
    case .tcp(let host, let port): host.utf8.contains(58) ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// The value of the `Host` header.
  var hostHeader: String {
    if let authority { return authority }
    if case .unix = kind { return "localhost" }
    return text
  }

  /// Numeric addresses of a name, in the resolver's order; asks DNS, so it may take seconds.
  ///
  /// - Throws: `LoadError` with id `dns`.
  public static func resolve(_ host: String) throws(LoadError) -> [String] {
    var found = [nb_address](repeating: nb_address(), count: 16)
    let n = nb_resolve(host, 0, 0, &found, 16)
    guard n > 0 else {
      let reason = n < 0 ? String(cString: gai_strerror(n)) : "no address"
      throw LoadError(id: "dns", cause: "the name \(host) has no address: \(reason)", remedy: ErrorKind.dns.remedy)
    }
    var texts: [String] = []
    for i in 0..<Int(n) {
      var text = [CChar](repeating: 0, count: 64)
      guard nb_address_text(&found[i], &text, 64) == 0 else { continue }
      let name = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      if !texts.contains(name) { texts.append(name) }
    }
    return texts
  }

  /// The socket address; refuses what is not this machine unless `permitted`.
  func address() throws(LoadError) -> nb_address {
    var address = nb_address()
    switch kind {
    case .unix(let path):
      guard nb_unix_address(path, &address) == 0 else {
        throw LoadError(id: "bad-target", cause: "the socket's path \(path) is too long", remedy: "at most 107 bytes")
      }
      return address
    case .tcp(let host, let port):
      guard (1...65_535).contains(port) else {
        throw LoadError(id: "bad-target", cause: "\(port) is not a port", remedy: "1 to 65535")
      }
      let numeric = addresses.first ?? (host == "localhost" ? "127.0.0.1" : host)
      guard nb_resolve(numeric, Int32(port), 1, &address, 1) == 1 else {
        throw LoadError(id: "dns", cause: "\(host) is a name without addresses", remedy: "resolve it first")
      }
      guard permitted || nb_is_loopback(&address) == 1 else {
        throw LoadError(
          id: "target-not-loopback", cause: "the target \(host) is not this machine",
          remedy: "load goes to this machine only, unless you own the target and say so")
      }
      return address
    }
  }
}
