import ExperimentModel
import NIOCore
import NIOPosix
import TelemetryModel

/// A running lab inside this process: listening sockets and event loops around a `LabCore`. `Lab.serve` runs one
/// as a process of its own; tests start it directly.
final class LabServer {
  let ready: LabReady
  private let group: MultiThreadedEventLoopGroup
  private let threads: NIOThreadPool
  private let doors: [Door]
  private let inner: Door?
  private let proxy: RealProxy?
  private let memcached: MemcachedServer?
  private let core: LabCore
  private let environment: LoopEnvironment
  private let loop: any EventLoop

  /// Binds to 127.0.0.1 only.
  /// - Parameter directory: where the database and the queues stay; nil: they go with the lab.
  /// - Throws: `LabError` when the system cannot be served or the port is taken.
  init(_ system: SystemSpec, port: Int, pid: Int32, directory: String? = nil) throws {
    guard (0...65_535).contains(port) else {
      throw LabError(place: "127.0.0.1:\(port)", cause: "\(port) is no port", remedy: "use 0 (any free port) to 65535")
    }
    let addresses = system.secondLevelAddresses
    // The first loop carries the whole core; the second one the lab's memcached, if there is one.
    let real = system.service(.memcached) ?? system.service(.redis)
    let hasMemcached = addresses.contains("lab") && real == nil
    let group = MultiThreadedEventLoopGroup(numberOfThreads: hasMemcached ? 2 : 1)
    let threads = NIOThreadPool(numberOfThreads: system.threadsWanted)
    threads.start()
    var memcached: MemcachedServer?
    let loop = group.next()
    do {
      if hasMemcached { memcached = try MemcachedServer(on: group.next()) }
      let clients = try Self.connect(addresses, lab: real?.port ?? memcached?.port ?? 0, real?.component == .redis ? .redis : .memcached, on: loop)
      let peer = LoopbackPeer(loop: loop)
      let environment = LoopEnvironment(loop: loop, threads: threads)
      let (core, faces, upstreams) = try loop.submit {
        var upstreams: [(role: String, pools: UpstreamPools)] = []
        let core = try LabCore(
          system, environment: environment, clients: clients.mapValues(\.value), peer: peer, epoch: ThreadClock.epoch(), directory: directory) { role, instances, most in
          let pools = UpstreamPools(loop: loop, backends: instances, connectionsMax: most)
          upstreams.append((role, pools))
          return pools
        }
        return (core, core.faces.count, upstreams)
      }.wait()
      var doors: [Door] = []
      var inner: Door?
      if let proxy = system.proxy, system.transport != nil {
        throw LabError(
          place: "--real \(proxy.component.rawValue)", cause: "it is set up for plain HTTP/1.1, and the edge has `transport`",
          remedy: "leave `transport` out, or run without `--real \(proxy.component.rawValue)`")
      }
      // Where traffic enters has the wanted port, what is behind it any free one; a real proxy takes it from the lab's own edge.
      let entryPort = system.proxy == nil ? port : 0
      let transport = try system.transport.map(SecureTransport.init)
      for index in 0..<faces {
        doors.append(Door(try Self.listen(core, face: index, port: index == 0 ? entryPort : 0, index == 0 ? transport : nil, on: loop)))
      }
      // Calls inside the lab and the control plane are plain HTTP/1.1, whatever the clients speak.
      if transport != nil { inner = Door(try Self.listen(core, face: 0, port: 0, nil, on: loop)) }
      self.doors = doors
      self.inner = inner
      let innerPort = inner?.port
      self.core = core
      self.environment = environment
      try loop.submit { [doors] in
        for (index, door) in doors.enumerated() {
          let bound = door.port
          core.faces[index].port = index == 0 ? innerPort ?? bound : bound
          // Unowned: the face is the core's.
          core.faces[index].closeDoor = { [unowned core] until in
            door.close(until: until) { Self.bootstrap(core, face: index, index == 0 ? transport : nil, on: loop).bind(host: "127.0.0.1", port: bound) }
          }
          core.faces[index].openDoor = { door.openAgain() }
        }
        func ports(_ role: String) -> [Int] { core.faces.filter { $0.name == role }.map(\.port) }
        for (role, pools) in upstreams { pools.connect(to: ports(role)) }
        peer.ports = Dictionary(uniqueKeysWithValues: system.roles.map { ($0.name, ports($0.name)) }).filter { !$0.value.isEmpty }
        core.facesListen(scheme: transport == nil || system.transport == .http2Clear ? "http" : "https")
        peer.port = innerPort ?? doors[0].port
        // A real proxy checks for itself.
        if system.proxy == nil { core.edges.forEach { $0.startChecks() } }
      }.wait()
      proxy = try system.proxy.flatMap { service in
        try system.frontEdge?.edge.map { edge in
          let behind = try loop.submit { core.faces.filter { $0.name == edge.upstream }.map(\.port) }.wait()
          return try RealProxy(service, edge, ports: behind, port: port)
        }
      }
    } catch {
      memcached?.stop()
      try? threads.syncShutdownGracefully()
      try? group.syncShutdownGracefully()
      throw error
    }
    self.group = group
    self.loop = loop
    self.threads = threads
    self.memcached = memcached
    ready = LabReady(
      port: proxy?.port ?? doors[0].port, pid: pid, l2Port: memcached?.port, controlPort: inner?.port ?? (proxy == nil ? nil : doors[0].port))
  }

  /// Hands out what was recorded since the last time; called from outside of the loop.
  func drain(into deliver: (RecordedTelemetry) -> Void) {
    for signal in TelemetrySignal.allCases {
      while let part = try? loop.submit({ [core] in core.telemetry?.fetch(signal) }).wait(), part.records > 0 {
        deliver(RecordedTelemetry(signal: signal, records: part.records, payload: part.bytes))
        // Metrics are whole at once; asked again they have passed another moment.
        if signal == .metrics { break }
      }
    }
  }

  var droppedTelemetry: Int { (try? loop.submit { [core] in core.telemetry?.dropped ?? 0 }.wait()) ?? 0 }

  /// Closes everything; requests under way are cut off.
  func stop() {
    proxy?.stop()
    (doors + [inner].compactMap(\.self)).forEach { $0.stop() }
    memcached?.stop()
    environment.end()
    // The threads first: what they finish they hand to a loop, which must still be there.
    try? threads.syncShutdownGracefully()
    try? group.syncShutdownGracefully()
    core.folder?.remove()
  }

  private static func connect(
    _ addresses: [String], lab: Int, _ labDialect: CacheDialect, on loop: any EventLoop
  ) throws -> [String: NIOLoopBound<CacheClient>] {
    var clients: [String: NIOLoopBound<CacheClient>] = [:]
    for address in addresses {
      var (host, port, dialect) = ("127.0.0.1", lab, labDialect)
      if address != "lab" {
        let parts = address.split(separator: ":").map(String.init)
        guard parts.count == 2, ["127.0.0.1", "localhost"].contains(parts[0]), let number = Int(parts[1]),
          (1...65_535).contains(number)
        else {
          throw LabError(
            place: "system, l2 \(address)", cause: "only a memcached on this machine is contacted",
            remedy: "write `lab`, or 127.0.0.1:PORT")
        }
        (host, port, dialect) = ("127.0.0.1", number, .memcached)
      }
      do {
        clients[address] = try CacheClient.connect(host: host, port: port, dialect: dialect, on: loop).wait()
      } catch {
        throw LabError(
          place: "system, l2 \(address)", cause: "no memcached answers at \(host):\(port)",
          remedy: "start one there, or write `l2: lab`")
      }
    }
    return clients
  }

  private static func bootstrap(_ core: LabCore, face: Int, _ transport: SecureTransport?, on loop: any EventLoop) -> ServerBootstrap {
    ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let transport else { return try channel.pipeline.syncOperations.addHandler(Connection(core: core, face: core.faces[face])) }
          try transport.configure(channel) { isStream in Connection(core: core, face: core.faces[face], isStream: isStream) }
        }
      }
  }

  private static func listen(_ core: LabCore, face: Int, port: Int, _ transport: SecureTransport?, on loop: any EventLoop) throws -> any Channel {
    do {
      return try bootstrap(core, face: face, transport, on: loop).bind(host: "127.0.0.1", port: port).wait()
    } catch let error as IOError {
      let isTaken = error.errnoCode == EADDRINUSE
      throw LabError(
        place: "127.0.0.1:\(port)",
        cause: isTaken ? "the port is in use by another process" : "the lab cannot listen: \(error.description)",
        remedy: isTaken
          ? "stop that process (`ss -ltnp 'sport = :\(port)'` names it) or let the lab choose with port 0"
          : "use port 0, or one above 1023")
    }
  }
}

/// The listening socket, which a `kill` closes for a while. Confined to the lab's loop but for `stop`.
private final class Door: @unchecked Sendable {
  private var channel: (any Channel)?
  private let loop: any EventLoop
  let port: Int
  private var isStopped = false
  /// While it is closed.
  private var open: (@Sendable () -> EventLoopFuture<any Channel>)?

  init(_ channel: any Channel) {
    self.channel = channel
    loop = channel.eventLoop
    port = channel.localAddress?.port ?? 0
  }

  /// Refuses connections until the deadline, or for ever with `.max`; a second call while it is closed changes nothing.
  func close(until deadline: Int64, open: @escaping @Sendable () -> EventLoopFuture<any Channel>) {
    guard let old = channel else { return }
    channel = nil
    old.close(promise: nil)
    self.open = open
    guard deadline < .max else { return }
    loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(deadline, 0)))) { self.openAgain() }
  }

  /// Opens a closed door, before its time or at it.
  func openAgain() {
    guard let open else { return }
    self.open = nil
    reopen(open)
  }

  private func reopen(_ open: @escaping @Sendable () -> EventLoopFuture<any Channel>) {
    open().whenComplete { result in
      switch result {
      case .success(let channel):
        if self.isStopped { channel.close(promise: nil) } else { self.channel = channel }
      // Another process took the port meanwhile: try until it is ours again, as an operator would.
      case .failure: self.loop.scheduleTask(in: .milliseconds(10)) { self.reopen(open) }
      }
    }
  }

  func stop() {
    let closed = loop.flatSubmit { () -> EventLoopFuture<Void> in
      self.isStopped = true
      return self.channel?.close() ?? self.loop.makeSucceededVoidFuture()
    }
    try? closed.wait()
  }
}
