// TLS and HTTP/2 against a small server of swift-nio on loopback. The key below is a throw-away one made for this test; it
// protects nothing.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import ExperimentModel
  import Foundation
  import NIOCore
  import NIOHPACK
  import NIOHTTP2
  import NIOPosix
  import NIOSSL
  import Testing

  @testable import LoadKernel

  private let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBnDCCAUGgAwIBAgIUVLxYMEDkrk41uOE63xVWmVHgPTMwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjA4MzgyOFoYDzIxMjYxMTAy
    MDgzODI4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAQW7o9rrpzuNlPJt2tYB9yiIhNvT6jdRkx/6kbYWjOJc6pShn/DfSZH
    R8NuII1djHykmiUA2JG/4K1UM1Zv+FIJo28wbTAdBgNVHQ4EFgQUK7+7rg429JVm
    8zDuD6hT/9fK2u8wHwYDVR0jBBgwFoAUK7+7rg429JVm8zDuD6hT/9fK2u8wDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
    zj0EAwIDSQAwRgIhAIpjOXt9WUcpZBdMEfJP4sBMAedTvLcmV5+d7MKR8SMyAiEA
    vlNLRNysrAsRncwRAEnVzbwOaM2MVxyT7dS2z5rKbs0=
    -----END CERTIFICATE-----
    """
  private let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgd1uPXj/bCRHwmcoc
    nOvc9NIrXhzx2QMr4peyVr86n2mhRANCAAQW7o9rrpzuNlPJt2tYB9yiIhNvT6jd
    Rkx/6kbYWjOJc6pShn/DfSZHR8NuII1djHykmiUA2JG/4K1UM1Zv+FIJ
    -----END PRIVATE KEY-----
    """

  /// Answers everything with 200 `ok`, `/status/N` with N, `/silent` never.
  private final class SecureServer {
    let port: Int
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: any Channel

    init(_ transport: LoadTarget.Transport) throws {
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))],
        privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
      configuration.applicationProtocols = transport == .http2 ? ["h2"] : ["http/1.1"]
      let context = try NIOSSLContext(configuration: configuration)
      channel = try ServerBootstrap(group: group).serverChannelOption(.backlog, value: 256).childChannelInitializer { child in
        child.eventLoop.makeCompletedFuture {
          if transport != .http2Clear { try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) }
          if transport == .tls {
            try child.pipeline.syncOperations.addHandler(PlainAnswer())
          } else {
            _ = try child.pipeline.syncOperations.configureHTTP2Pipeline(
              mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
            ) { stream in stream.eventLoop.makeCompletedFuture { try stream.pipeline.syncOperations.addHandler(StreamAnswer()) } }
          }
        }
      }.bind(host: "127.0.0.1", port: 0).wait()
      port = channel.localAddress?.port ?? 0
    }
    func stop() {
      try? channel.close().wait()
      try? group.syncShutdownGracefully()
    }
  }

  private final class PlainAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let text = String(buffer: unwrapInboundIn(data))
      if text.hasPrefix("GET /silent") { return }
      let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cache: HIT\r\n\r\nok")
      context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
  }

  private final class StreamAnswer: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload
    private var path = ""
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var ended = false
      switch unwrapInboundIn(data) {
      case .headers(let part):
        path = part.headers.first(name: ":path") ?? ""
        ended = part.endStream
      case .data(let part): ended = part.endStream
      default: break
      }
      guard ended, path != "/silent" else { return }
      let status = path.hasPrefix("/status/") ? String(path.dropFirst(8)) : "200"
      context.write(wrapOutboundOut(.headers(.init(headers: [":status": status, "x-path": path]))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer(string: "ok")), endStream: true))), promise: nil)
    }
  }

  @Suite(.serialized) struct NIOLoadEngineTests {
    private func target(_ server: SecureServer, _ transport: LoadTarget.Transport, any: Bool = true) -> LoadTarget {
      var target = LoadTarget(host: "127.0.0.1", port: server.port)
      target.transport = transport
      target.acceptsAnyCertificate = any
      return target
    }
    private let transports: [LoadTarget.Transport] = [.tls, .http2, .http2Clear]

    @Test("exact counts over TLS, HTTP/2 and clear HTTP/2, closed and open")
    func counts() throws {
      for transport in transports {
        let server = try SecureServer(transport)
        defer { server.stop() }
        var request = RequestSpec(name: "post", method: "POST", path: "/a", headers: ["X-A": "b"], body: "text")
        request.checks = ["status==200", "body~ok"]
        let closed = LoadProfile(executor: .sharedIterations, vus: 12, iterations: 300, requests: [request])
        var engine = try NIOLoadEngine(profile: closed, target: target(server, transport))
        engine.streamsMax = 6
        let record = try engine.run()
        #expect(record.completed == 300 && record.failed == 0, "\(transport) \(record.examples)")
        #expect(record.countError ?? 1 < 1e-9 && record.littleResidual ?? 1 < 0.001)
        #expect(record.connections == (transport == .tls ? 12 : 2))
        let open = LoadProfile(
          executor: .constantArrivalRate, arrivals: .uniform, rate: 500, duration: Nanoseconds(seconds: 0.3), requests: [request])
        let second = try NIOLoadEngine(profile: open, target: target(server, transport)).run()
        #expect(second.planned == 150 && second.completed == 150, "\(transport) \(second.examples)")
      }
    }

    @Test("a certificate that nobody vouches for is an error of kind tls unless the flag is set, or its authority is given")
    func certificates() throws {
      let server = try SecureServer(.tls)
      defer { server.stop() }
      let profile = LoadProfile(
        executor: .sharedIterations, vus: 1, iterations: 2, requests: [RequestSpec(name: "g", method: "GET", path: "/")])
      let doubted = target(server, .tls, any: false)
      let error = #expect(throws: LoadError.self) { _ = try NIOLoadEngine(profile: profile, target: doubted).run() }
      // Never plain bytes to a server of TLS: the usual engine hands it on.
      let usual = #expect(throws: LoadError.self) { _ = try LoadEngine(profile: profile, target: doubted).run() }
      #expect(usual?.id == "tls")
      #expect(error?.id == "tls" && error?.remedy != nil)
      let path = "/tmp/nb-load-\(getpid()).pem"
      try certificate.write(toFile: path, atomically: true, encoding: .utf8)
      defer { unlink(path) }
      var trusted = target(server, .tls, any: false)
      trusted.trustedCertificates = path
      #expect(try NIOLoadEngine(profile: profile, target: trusted).run().completed == 2)
      // A server that does not speak h2 refuses the handshake or chooses nothing.
      let other = #expect(throws: LoadError.self) { _ = try NIOLoadEngine(profile: profile, target: target(server, .http2)).run() }
      #expect(other?.id == "tls")
    }

    @Test("statuses, time-outs and refused connects are counted as by the other engine")
    func failures() throws {
      let server = try SecureServer(.http2)
      func profile(_ path: String) -> LoadProfile {
        LoadProfile(
          executor: .sharedIterations, vus: 2, iterations: 6, requests: [RequestSpec(name: "g", method: "GET", path: path)],
          timeout: Nanoseconds(seconds: 0.1))
      }
      let status = try NIOLoadEngine(profile: profile("/status/503"), target: target(server, .http2)).run()
      #expect(status.errors == ["status": 6] && status.statuses[503] == 6 && status.verdict == .invalid)
      let silent = try NIOLoadEngine(profile: profile("/silent"), target: target(server, .http2)).run()
      #expect(silent.errors == ["timeout": 6] && silent.examples["timeout"] != nil)
      let gone = target(server, .http2)
      server.stop()
      let refused = #expect(throws: LoadError.self) { _ = try NIOLoadEngine(profile: profile("/"), target: gone).run() }
      #expect(refused?.id == "connect-failed")
      var options = LoadOptions()
      options.requiresConnection = false
      let record = try NIOLoadEngine(profile: profile("/"), target: gone).run(options)
      #expect(record.errors == ["refused": 6] && record.verdict == .invalid)
    }

    @Test("a cancelled run is partial")
    func cancelled() throws {
      let server = try SecureServer(.tls)
      defer { server.stop() }
      let profile = LoadProfile(
        executor: .constantVUs, duration: Nanoseconds(seconds: 60), vus: 2, requests: [RequestSpec(name: "g", method: "GET", path: "/")])
      let start = Date()
      let record = try NIOLoadEngine(profile: profile, target: target(server, .tls)).run(
        cancelled: { Date().timeIntervalSince(start) > 0.3 })
      #expect(record.isPartial && record.completed > 0)
    }
  }
#endif
