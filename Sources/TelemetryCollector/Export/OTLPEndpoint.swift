// Where telemetry is sent to.

import NIOCore
import NIOHTTP1
import NIOSSL
import TelemetryModel

public struct OTLPEndpoint: Sendable {
  public var host: String
  public var port: Int
  public var isTLS: Bool
  /// What stands before /v1/traces; empty in most cases.
  public var basePath: String
  public var headers: [(name: String, value: String)]
  /// PEM file of authorities to trust instead of the system's.
  public var trustedCertificates: String?

  public init(
    host: String, port: Int, isTLS: Bool = false, basePath: String = "", headers: [(name: String, value: String)] = [],
    trustedCertificates: String? = nil
  ) {
    self.host = host
    self.port = port
    self.isTLS = isTLS
    self.basePath = basePath.last == "/" ? String(basePath.dropLast()) : basePath
    self.headers = headers
    self.trustedCertificates = trustedCertificates
  }

  public var description: String { "\(isTLS ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)\(basePath)" }

  func head(_ signal: TelemetrySignal, _ format: OTLPFormat, bytes: Int, isCompressed: Bool) -> HTTPRequestHead {
    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: basePath + signal.path)
    let name = host.contains(":") ? "[\(host)]" : host
    head.headers.add(name: "Host", value: port == (isTLS ? 443 : 80) ? name : "\(name):\(port)")
    head.headers.add(name: "User-Agent", value: "nb-observe")
    head.headers.add(name: "Content-Type", value: format.contentType)
    head.headers.add(name: "Content-Length", value: String(bytes))
    if isCompressed { head.headers.add(name: "Content-Encoding", value: "gzip") }
    for (name, value) in headers { head.headers.replaceOrAdd(name: name, value: value) }
    return head
  }

  /// - Throws: when the certificates cannot be read.
  func tlsContext() throws(CollectorError) -> NIOSSLContext? {
    guard isTLS else { return nil }
    var configuration = TLSConfiguration.makeClientConfiguration()
    if let trustedCertificates { configuration.trustRoots = .file(trustedCertificates) }
    do { return try NIOSSLContext(configuration: configuration) } catch {
      throw CollectorError(
        place: trustedCertificates ?? description, cause: "its certificates cannot be used: \(error)", remedy: "name a PEM file of authorities")
    }
  }

  /// The name that the certificate must have; nil for an address.
  var certificateName: String? { (try? SocketAddress(ipAddress: host, port: port)) == nil ? host : nil }
}
