import CLabShims
import ExperimentModel

/// The faults of a lab: starts them, ends them after their time, ends all of them at once. What it does is done to the parts that
/// it names; it is the only one who knows what is active. Lives on the lab's loop.
final class FaultBus {
  /// Why a fault was not done.
  struct Refusal: Error { var cause: String; var remedy: String }

  private struct Active { var fault: FaultSpec; var end: () -> Void }

  private unowned let core: LabCore
  private var active: [Int: Active] = [:]
  private var next = 0
  private var limits: [CPULimit] = []
  private var networks: [ActiveToxic] = []
  private var errors: [ErrorShare] = []
  private var ended = (connections: 0, errors: 0, outOfMemory: 0, periods: 0, throttled: 0)
  private var limitBase: [ObjectIdentifier: (periods: Int, throttled: Int)] = [:]
  private var isUsed = false

  init(_ core: LabCore) { self.core = core }

  private var environment: any Environment { core.environment }

  /// What is active, in the order in which it began.
  var list: [FaultSpec] { active.sorted { $0.key < $1.key }.map(\.value.fault) }

  func inject(_ fault: FaultSpec) throws(Refusal) {
    if let problem = fault.problems.first { throw Refusal(cause: problem.cause, remedy: problem.remedy) }
    if let proxy = core.system.proxy, fault.target == core.system.frontEdge?.name {
      throw Refusal(cause: "nothing can be done to `\(fault.target)`, which is \(proxy.label)", remedy: "name a role behind it, or run without `--real`")
    }
    guard (0...3600).contains(fault.duration.seconds) else {
      throw Refusal(cause: "a duration of \(fault.duration.seconds) s", remedy: "send 0 to 3 600 000 000 000 nanoseconds; 0 is until it is cleared")
    }
    let end = try begin(fault)
    isUsed = true
    guard let end, !fault.toxic.isEvent else { return }
    let number = next
    next += 1
    active[number] = Active(fault: fault, end: end)
    if fault.duration > .zero { environment.at(environment.now + fault.duration.rawValue) { [weak self] in self?.end(number) } }
  }

  /// Ends everything: no fault of one slice may be felt in the next.
  func clear() { for number in active.keys.sorted() { end(number) } }

  private func end(_ number: Int) { active.removeValue(forKey: number)?.end() }

  /// - Returns: what ends it; nil for what happens once.
  private func begin(_ fault: FaultSpec) throws(Refusal) -> (() -> Void)? {
    switch fault.toxic.reach {
    case .cache: try expire(fault.target)
    case .connections: return try poison(fault)
    case .answers: return try spoil(fault)
    case .process: return try limit(fault)
    case .role:
      let roles = try roles(fault.target)
      // 0: until it is cleared.
      let time = fault.duration > .zero ? fault.duration.rawValue : nil
      switch fault.toxic {
      case .restart: roles.forEach { core.restart($0) }
      case .stall:
        roles.forEach { $0.stall(time) }
        return { [weak self] in self?.wake(roles) }
      default:
        roles.forEach { core.kill($0, time) }
        return { [weak self] in self?.revive(roles) }
      }
    }
    return nil
  }

  // MARK: Roles

  /// All of a role's instances, or one by its number.
  private func roles(_ target: String) throws(Refusal) -> [Role] {
    let found = core.roles.filter { $0.name == target || $0.instanceName == target }
    guard found.isEmpty else { return found }
    throw unknown("role", target, core.roles.flatMap { [$0.name, $0.instanceName] })
  }

  /// Another stall of the same role may last longer.
  private func wake(_ roles: [Role]) {
    for role in roles where !isUnder(.stall, role) { role.wake() }
  }

  private func revive(_ roles: [Role]) {
    for role in roles where !isUnder(.kill, role) { core.revive(role) }
  }

  private func isUnder(_ toxic: Toxic, _ role: Role) -> Bool {
    active.values.contains { $0.fault.toxic == toxic && ($0.fault.target == role.name || $0.fault.target == role.instanceName) }
  }

  private func expire(_ target: String) throws(Refusal) {
    let caches = core.caches.filter { $0.name == target }
    let edgeCaches = core.edges.filter { $0.name == target }.compactMap(\.cache)
    guard !caches.isEmpty || !edgeCaches.isEmpty else {
      throw unknown("cache", target, core.caches.map(\.name) + core.edges.filter { $0.cache != nil }.map(\.name))
    }
    caches.forEach { $0.expireAll() }
    edgeCaches.forEach { $0.clear() }
  }

  private func spoil(_ fault: FaultSpec) throws(Refusal) -> () -> Void {
    let roles = core.roles.filter { $0.consumer == nil && ($0.name == fault.target || $0.instanceName == fault.target) }
    let edges = core.edges.filter { $0.name == fault.target }
    guard !roles.isEmpty || !edges.isEmpty else {
      let names = core.roles.filter { $0.consumer == nil }.flatMap { [$0.name, $0.instanceName] } + core.edges.map(\.name)
      throw unknown("role that answers", fault.target, names)
    }
    var shares: [ErrorShare] = []
    func share(_ name: String) -> ErrorShare {
      shares.append(ErrorShare(fault.parameters, seed: core.system.seed, name: name))
      return shares[shares.count - 1]
    }
    roles.forEach { $0.errors.append(share($0.instanceName)) }
    edges.forEach { $0.errors.append(share($0.name)) }
    errors += shares
    return { [weak self] in
      roles.forEach { role in role.errors.removeAll { one in shares.contains { $0 === one } } }
      edges.forEach { edge in edge.errors.removeAll { one in shares.contains { $0 === one } } }
      self?.ended.errors += shares.reduce(0) { $0 + $1.count }
      self?.errors.removeAll { one in shares.contains { $0 === one } }
    }
  }

  // MARK: Connections

  private func poison(_ fault: FaultSpec) throws(Refusal) -> () -> Void {
    let faces = core.faces.filter { face in
      face.name == fault.target || face.roles.contains { $0.name == fault.target || $0.instanceName == fault.target }
    }
    guard !faces.isEmpty else {
      let names = core.faces.flatMap { face in face.roles.flatMap { [$0.name, $0.instanceName] } + (face.name.isEmpty ? [] : [face.name]) }
      throw unknown("port of a role or an edge", fault.target, names)
    }
    let others = faces.flatMap(\.roles).filter { $0.name != fault.target && $0.instanceName != fault.target }
    guard others.isEmpty else {
      throw Refusal(
        cause: "`\(fault.target)` shares its port, and so its connections, with \(Set(others.map { "`\($0.name)`" }).sorted().joined(separator: ", "))",
        remedy: "put an edge before it: behind one, every role has a port of its own")
    }
    let toxic = ActiveToxic(fault, seed: core.system.seed, environment: environment)
    networks.append(toxic)
    for face in faces {
      face.toxics.append(toxic)
      for connection in Array(face.connections.values) { connection.meet(toxic) }
    }
    return { [weak self] in
      faces.forEach { face in face.toxics.removeAll { $0 === toxic } }
      toxic.lift()
      self?.ended.connections += toxic.connections
      self?.networks.removeAll { $0 === toxic }
    }
  }

  // MARK: The process

  private func limit(_ fault: FaultSpec) throws(Refusal) -> () -> Void {
    let names = Set(core.roles.map(\.name) + core.edges.map(\.name))
    guard fault.target == Toxic.process || names == [fault.target] else {
      guard names.contains(fault.target) else { throw unknown("process", fault.target, [Toxic.process]) }
      throw Refusal(
        cause: "`\(fault.target)` shares the lab's process with \(names.subtracting([fault.target]).sorted().map { "`\($0)`" }.joined(separator: ", "))",
        remedy: "limit the whole process: the target `\(Toxic.process)`")
    }
    if fault.toxic == .memLimit { return watchMemory(fault.parameters.bytes ?? .max) }
    guard limits.isEmpty else { throw Refusal(cause: "the CPU is limited already", remedy: "clear that limit first") }
    let limit: CPULimit
    do throws(LabError) {
      limit = try CPULimit(cpus: fault.parameters.cpus ?? 1, period: fault.parameters.period?.rawValue ?? 100_000_000)
    } catch { throw Refusal(cause: error.cause, remedy: error.remedy) }
    limits.append(limit)
    return { [weak self] in
      limit.stop()
      guard let self else { return }
      let base = limitBase.removeValue(forKey: ObjectIdentifier(limit)) ?? (0, 0)
      ended.periods += limit.periods - base.periods
      ended.throttled += limit.throttled - base.throttled
      limits.removeAll { $0 === limit }
    }
  }

  /// The kernel's end of a process that wants more memory than it may have, as far as one process can play it: what is resident
  /// is looked at every 10 ms, and above the limit every role loses what it holds and starts anew, as under a supervisor.
  private func watchMemory(_ limit: Int) -> () -> Void {
    var isOver = false
    func look() {
      guard !isOver else { return }
      var pause: Int64 = 10_000_000
      if let resident = ProcessUsage.residentBytes(), resident > limit {
        ended.outOfMemory += 1
        core.roles.forEach { core.restart($0) }
        // What the roles gave back is still the allocator's.
        nb_lab_return_memory()
        // A limit below what an empty lab needs is a crash loop, at a supervisor's pace.
        pause = 100_000_000
      }
      environment.at(environment.now + pause, look)
    }
    look()
    return { isOver = true }
  }

  private func unknown(_ what: String, _ name: String, _ legal: [String]) -> Refusal {
    var seen: Set<String> = []
    let names = legal.filter { seen.insert($0).inserted }.joined(separator: ", ")
    return Refusal(cause: "there is no \(what) `\(name)`", remedy: names.isEmpty ? "this system has no \(what)" : "use one of \(names)")
  }

  // MARK: Counters

  /// Nothing at all in a lab that never saw a fault.
  func appendCounters(to counters: inout Counters) {
    guard isUsed else { return }
    counters.add("faults", "connections", networks.reduce(ended.connections) { $0 + $1.connections })
    counters.add("faults", "errors", errors.reduce(ended.errors) { $0 + $1.count })
    counters.add("faults", "oom_kills", ended.outOfMemory)
    var (periods, throttled) = (ended.periods, ended.throttled)
    for limit in limits {
      limit.update()
      let base = limitBase[ObjectIdentifier(limit)] ?? (0, 0)
      periods += limit.periods - base.periods
      throttled += limit.throttled - base.throttled
      counters.add("faults", "cpu_method", limit.method)
    }
    counters.add("faults", "cpu_periods", periods)
    counters.add("faults", "cpu_throttled", throttled)
  }

  func resetCounters() {
    ended = (0, 0, 0, 0, 0)
    networks.forEach { $0.resetCounters() }
    errors.forEach { $0.count = 0 }
    for limit in limits {
      limit.update()
      limitBase[ObjectIdentifier(limit)] = (limit.periods, limit.throttled)
    }
  }
}
