// What stands between the socket of the entry and its `Connection`: TLS, HTTP/2, or both.

import ExperimentModel
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS

/// Builds the pipelines of a transport other than plain HTTP/1.1.
struct SecureTransport: @unchecked Sendable {
  private let transport: LabTransport
  private let context: NIOSSLContext?

  /// - Throws: when the built-in certificate cannot be used.
  init(_ transport: LabTransport) throws {
    self.transport = transport
    guard transport != .http2Clear else {
      context = nil
      return
    }
    let certificate = try NIOSSLCertificate(bytes: Array(ThrowAwayCertificate.certificate.utf8), format: .pem)
    let key = try NIOSSLPrivateKey(bytes: Array(ThrowAwayCertificate.key.utf8), format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
    configuration.applicationProtocols = transport == .http2 ? ["h2", "http/1.1"] : ["http/1.1"]
    context = try NIOSSLContext(configuration: configuration)
  }

  /// - Parameter connection: makes the lab's own handler of one connection, or of one stream.
  func configure(_ channel: any Channel, connection: @escaping @Sendable (_ isStream: Bool) -> Connection) throws {
    let pipeline = channel.pipeline.syncOperations
    guard let context else { return try Self.addHTTP2(channel, connection) }
    try pipeline.addHandler(NIOSSLServerHandler(context: context))
    guard transport == .http2 else { return try pipeline.addHandler(connection(false)) }
    // The client may not speak HTTP/2; then the connection is HTTP/1.1.
    try pipeline.addHandler(
      ApplicationProtocolNegotiationHandler { result, channel in
        channel.eventLoop.makeCompletedFuture {
          if case .negotiated("h2") = result { return try Self.addHTTP2(channel, connection) }
          try channel.pipeline.syncOperations.addHandler(connection(false))
        }
      })
  }

  private static func addHTTP2(_ channel: any Channel, _ connection: @escaping @Sendable (Bool) -> Connection) throws {
    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()) { stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandlers([HTTP2Bridge(), connection(true)])
      }
    }
  }
}
