// Opens channels: address, time-out, TLS with ALPN. Certificates are checked unless the target's flag says otherwise.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import CKernelShims
  import Glibc
  import NIOCore
  import NIOPosix
  import NIOSSL

  struct NIOConnector: @unchecked Sendable {
    let loop: any EventLoop
    let target: LoadTarget
    let timeout: TimeAmount
    private let context: NIOSSLContext?
    private let serverName: String?

    /// - Throws: what `LoadTarget.address` does, and `tls` for certificates that cannot be read.
    init(_ loop: any EventLoop, _ target: LoadTarget, timeout: Int64) throws(LoadError) {
      self.loop = loop
      self.target = target
      self.timeout = .nanoseconds(timeout)
      _ = try target.address()
      guard target.transport != .http2Clear, target.transport != .http1 else {
        context = nil
        serverName = nil
        return
      }
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.applicationProtocols = target.transport == .http2 ? ["h2"] : ["http/1.1"]
      if target.acceptsAnyCertificate { configuration.certificateVerification = .none }
      if let path = target.trustedCertificates { configuration.additionalTrustRoots = [.file(path)] }
      do {
        context = try NIOSSLContext(configuration: configuration)
      } catch {
        throw LoadError(id: "tls", cause: "no TLS with these certificates: \(error)", remedy: ErrorKind.tls.remedy)
      }
      var scratch = nb_address()
      // A numeric address is no server name (RFC 6066, 3).
      serverName = nb_resolve(target.host, 1, 1, &scratch, 1) == 1 ? nil : target.host
    }

    /// TLS, or HTTP/2 with prior knowledge: whether there is a handshake to wait for.
    var isSecure: Bool { context != nil }

    /// The handshake's end, with the protocol that was chosen. It has the connect's time: a peer that accepts and then says
    /// nothing would keep its request for ever.
    func handshake() -> EventLoopPromise<String?> {
      let promise = loop.makePromise(of: String?.self)
      let text = "no TLS handshake within \(timeout.nanoseconds / 1_000_000) ms"
      let timer = loop.scheduleTask(in: timeout) { promise.fail(NIOLoadFailure(kind: .tls, text: text)) }
      promise.futureResult.whenComplete { _ in timer.cancel() }
      return promise
    }

    /// - Parameter handlers: added behind TLS.
    func connect(_ handlers: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>) -> EventLoopFuture<any Channel> {
      let connector = self
      let bootstrap = ClientBootstrap(group: loop).connectTimeout(timeout).channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .channelInitializer { channel in
          guard let context = connector.context else { return handlers(channel) }
          return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: connector.serverName))
          }.flatMap { handlers(channel) }
        }
      switch target.kind {
      case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
      case .tcp(let host, let port):
        let numeric = target.addresses.first ?? (host == "localhost" ? "127.0.0.1" : host)
        // Names were resolved before the run; the resolver's thread would only cost time here.
        do {
          return bootstrap.connect(to: try SocketAddress(ipAddress: numeric, port: port))
        } catch {
          return loop.makeFailedFuture(NIOLoadFailure(kind: .dns, text: "\(numeric) is no address"))
        }
      }
    }

    static func kind(_ error: any Error, hasShaken: Bool) -> ErrorKind {
      if let failure = error as? NIOLoadFailure { return failure.kind }
      if let error = error as? IOError { return ErrorKind(connect: error.errnoCode) }
      if let error = error as? ChannelError {
        if case .connectTimeout = error { return .connectTimeout }
        return .closed
      }
      if let error = error as? NIOConnectionError, let first = error.connectionErrors.first {
        return kind(first.error, hasShaken: hasShaken)
      }
      if error is NIOSSLError || error is BoringSSLError { return hasShaken ? .closed : .tls }
      return hasShaken ? .reset : .tls
    }

    /// What an error says, without the layers of types around it.
    static func text(_ error: any Error) -> String {
      if let failure = error as? NIOLoadFailure { return failure.text }
      if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
      if let error = error as? NIOConnectionError, let first = error.connectionErrors.first { return text(first.error) }
      let words = "\(error)"
      // BoringSSL puts its reason between the library and the line of its own source.
      guard let mark = words.firstRange(of: "OPENSSL_internal:") else { return words }
      return "TLS failed: \(words[mark.upperBound...].prefix { $0 != " " })"
    }
  }
#endif
