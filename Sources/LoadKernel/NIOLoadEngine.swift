// A run over TLS or HTTP/2: swift-nio carries the bytes, plan, recorder and verdict are those of LoadEngine. One event loop;
// for what needs more than some 10,000 requests a second, plain HTTP/1.1 is the transport that has been measured.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import CKernelShims
  import ExperimentModel
  import Glibc
  import NIOCore
  import NIOPosix

  public struct NIOLoadEngine: Sendable {
    private let profile: LoadProfile
    private let target: LoadTarget
    private let scenario: Scenario
    /// HTTP/2: requests on one connection at a time.
    public var streamsMax = 100

    /// - Throws: as `LoadEngine`.
    public init(profile: LoadProfile, target: LoadTarget) throws(LoadError) {
      self.profile = profile
      self.target = target
      scenario = try Scenario(profile, target: target)
    }

    /// Shutting down a group goes through Dispatch, which opens descriptors at its first use and traps when there is none: it must
    /// not be the end of a run that ran out of them.
    private static let hasShutDownOnce: Bool = (try? MultiThreadedEventLoopGroup(numberOfThreads: 1).syncShutdownGracefully()) != nil

    /// As `LoadEngine.run`; `threads`, `cpu`, `kernelStamps` and `polite` of the options do nothing here. `connections`
    /// of the profile are requests at a time; with HTTP/2, `streamsMax` of them share a connection.
    public func run(
      _ options: LoadOptions = LoadOptions(), progress: ((LoadProgress) -> Void)? = nil, cancelled: () -> Bool = { false }
    ) throws(LoadError) -> LoadRecord {
      try profile.check(options)
      let count = profile.slotCount
      let isShared = target.transport == .http2 || target.transport == .http2Clear
      let sockets = isShared ? (count + max(1, streamsMax) - 1) / max(1, streamsMax) : count
      // An event loop has an epoll, an eventfd and a timerfd.
      try profile.reserveDescriptors(connections: sockets, loops: 3)
      _ = Self.hasShutDownOnce
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      let loop = group.next()
      let shared = SharedCounters(loops: 1)
      let connector: NIOConnector
      do {
        connector = try NIOConnector(loop, target, timeout: (profile.connectTimeout ?? Nanoseconds(seconds: 5)).rawValue)
      } catch {
        try? group.syncShutdownGracefully()
        throw error
      }
      let driver = NIOLoadDriver(profile, options, scenario, loop, lanes: count, shared: shared)
      let failure = connect(driver, connector, count)
      if let failure, options.requiresConnection {
        driver.done.fail(failure)
        try? group.syncShutdownGracefully()
        throw LoadError(
          id: failure.kind == .tls ? "tls" : "connect-failed", cause: "no connection to \(target.text): \(failure.text)",
          remedy: failure.kind.remedy)
      }
      let began = options.clock.now()
      let result = Outcome()
      driver.done.futureResult.whenSuccess { result.set($0) }
      loop.execute { driver.begin() }
      while result.record == nil {
        usleep(20_000)
        if cancelled() { loop.execute { driver.markPartial() } }
        let elapsed = options.clock.now() - began
        progress?(
          LoadProgress(
            elapsed: Nanoseconds(elapsed), total: profile.executor == .sharedIterations ? nil : profile.span(options),
            requests: shared.answered, rate: Double(shared.answered) / max(1e-9, Double(elapsed) / 1e9), p99: .zero, failed: shared.failed))
      }
      try? group.syncShutdownGracefully()
      return result.record ?? LoadRecord()
    }

    /// Opens the connections of all lanes.
    ///
    /// - Returns: the first failure when none came about.
    private func connect(_ driver: NIOLoadDriver, _ connector: NIOConnector, _ count: Int) -> NIOLoadFailure? {
      let streams = streamsMax
      let isHTTP2 = target.transport == .http2 || target.transport == .http2Clear
      let results = connector.loop.flatSubmit { () -> EventLoopFuture<[Result<Void, any Error>]> in
        let transport: any NIOTransport = isHTTP2
          ? NIOTransportHTTP2(connector, driver, lanes: count, streamsMax: max(1, streams))
          : NIOTransportHTTP1(connector, driver, lanes: count)
        driver.transport = transport
        let wanted = driver.lanes.prefix(transport.connectionCount)
        return EventLoopFuture.whenAllComplete(wanted.map { transport.open($0) }, on: connector.loop)
      }
      guard let all = try? results.wait() else { return NIOLoadFailure(kind: .unreachable, text: "no event loop") }
      for result in all { if case .success = result { return nil } }
      for case .failure(let error) in all {
        return error as? NIOLoadFailure ?? NIOLoadFailure(kind: NIOConnector.kind(error, hasShaken: false), text: NIOConnector.text(error))
      }
      return nil
    }

    /// A record that one thread sets and another waits for.
    private final class Outcome: @unchecked Sendable {
      private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
      private var value: LoadRecord?
      init() { pthread_mutex_init(lock, nil) }
      deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
      }
      func set(_ record: LoadRecord) {
        pthread_mutex_lock(lock)
        value = record
        pthread_mutex_unlock(lock)
      }
      var record: LoadRecord? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return value
      }
    }
  }
#endif
