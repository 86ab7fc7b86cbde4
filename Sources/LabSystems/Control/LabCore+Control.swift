import ExperimentModel
import Foundation
import NIOCore

// The control plane: counters out, switches in. Same port as the traffic, never queued; Foundation is fine here,
// because nothing of it runs for a request under load.

struct ControlReply { var status: Int; var json: String }

extension LabCore {
  /// `POST /_nb/fault`, durations in nanoseconds.
  private struct FaultRequest: Codable { var target: String; var toxic: Toxic; var duration: Nanoseconds? }
  private struct StageRequest: Codable { var stage: String; var off: Bool }
  private struct TraceRequest: Codable { var on: Bool }

  func control(method: String, path: String, body: ByteBuffer) -> ControlReply {
    switch (method, path) {
    case ("GET", "/_nb/counters"), ("HEAD", "/_nb/counters"): return counters()
    case ("GET", "/_nb/system"), ("HEAD", "/_nb/system"): return encode(system)
    case ("POST", "/_nb/reset"):
      stages.forEach { $0.resetCounters() }
      roles.forEach { $0.resetCounters() }
      edges.forEach { $0.resetCounters() }
      broker?.topics.values.forEach { $0.resetCounters() }
      usageBase = .current()
      return done
    case ("GET", "/_nb/trace"), ("HEAD", "/_nb/trace"):
      return encode(Dictionary(roles.map { ($0.name, $0.trace ?? []) }, uniquingKeysWith: { a, _ in a }))
    case ("POST", "/_nb/trace"):
      guard let request = try? JSONDecoder().decode(TraceRequest.self, from: Data(body.readableBytesView)) else {
        return failure(400, "the switch is not readable", "send {\"on\":true|false}")
      }
      roles.forEach { $0.setTrace(request.on) }
      return done
    case ("POST", "/_nb/clear"):
      caches.forEach { $0.clear() }
      edges.forEach { $0.cache?.clear() }
      return done
    case ("POST", "/_nb/fault"):
      do { return fault(try JSONDecoder().decode(FaultRequest.self, from: Data(body.readableBytesView))) } catch {
        return failure(
          400, "the fault is not readable",
          "send {\"target\":NAME,\"toxic\":\"expire\"} or {\"target\":ROLE,\"toxic\":\"stall\",\"duration\":NANOSECONDS}")
      }
    case ("POST", "/_nb/stage"):
      do { return setStage(try JSONDecoder().decode(StageRequest.self, from: Data(body.readableBytesView))) } catch {
        return failure(400, "the switch is not readable", "send {\"stage\":NAME,\"off\":true|false}")
      }
    default:
      let all = "GET counters, GET system, GET trace, POST trace, POST reset, POST clear, POST fault, POST stage"
      return failure(404, "no such control `\(method) \(path)`", "use one of \(all) under /_nb/")
    }
  }

  private func counters() -> ControlReply {
    var counters = snapshot()
    let usage = ProcessUsage.current()
    counters.add("process", "cpu_ns", Int(usage.cpu - usageBase.cpu))
    if let wait = usage.runQueueWait {
      counters.add("process", "runqueue_wait_ns", Int(wait - (usageBase.runQueueWait ?? 0)))
    }
    if let bytes = ProcessUsage.residentBytes() { counters.add("process", "rss_bytes", bytes) }
    return encode(counters.values)
  }

  /// What stages, roles and edges have counted; several instances of a role together and each.
  func snapshot() -> Counters {
    var counters = Counters()
    for role in roles {
      counters.instance = role.instanceName == role.name ? nil : (role.name, role.instanceName)
      stages(of: role).forEach { $0.appendCounters(to: &counters) }
      role.appendCounters(to: &counters)
    }
    counters.instance = nil
    edges.forEach { $0.appendCounters(to: &counters) }
    broker?.topics.values.forEach { $0.appendCounters(to: &counters) }
    return counters
  }

  private func fault(_ request: FaultRequest) -> ControlReply {
    switch request.toxic {
    case .expire:
      let targets = caches.filter { $0.name == request.target }
      let edgeCaches = edges.filter { $0.name == request.target }.compactMap(\.cache)
      guard !targets.isEmpty || !edgeCaches.isEmpty else {
        return unknown("cache", request.target, caches.map(\.name) + edges.filter { $0.cache != nil }.map(\.name))
      }
      targets.forEach { $0.expireAll() }
      edgeCaches.forEach { $0.clear() }
    case .stall:
      let killed = FaultSpec.killedRole(target: request.target, request.toxic)
      let wanted = killed ?? request.target
      // All of a role's instances, or one by its number.
      let targets = roles.filter { $0.name == wanted || $0.instanceName == wanted }
      guard !targets.isEmpty else { return unknown("role", wanted, roles.flatMap { [$0.name, $0.instanceName] }) }
      guard let duration = request.duration, duration > .zero, duration.seconds <= 3600 else {
        return failure(400, "a stall needs a duration", "send 1 to 3 600 000 000 000 nanoseconds")
      }
      for role in targets {
        if killed == nil { role.stall(duration.rawValue) } else { kill(role, duration.rawValue) }
      }
    }
    return done
  }

  private func setStage(_ request: StageRequest) -> ControlReply {
    let targets = stages.filter { $0.name == request.stage }
    guard !targets.isEmpty else { return unknown("stage", request.stage, stages.map(\.name)) }
    targets.forEach { $0.isOff = request.off }
    return done
  }

  private var done: ControlReply { ControlReply(status: 200, json: "{\"ok\":true}") }

  private func unknown(_ what: String, _ name: String, _ legal: [String]) -> ControlReply {
    var seen: Set<String> = []
    let names = legal.filter { seen.insert($0).inserted }.joined(separator: ", ")
    return failure(
      400, "there is no \(what) `\(name)`", names.isEmpty ? "this system has no \(what)" : "use one of \(names)")
  }

  private func failure(_ status: Int, _ cause: String, _ remedy: String) -> ControlReply {
    var reply = encode(["error": cause, "remedy": remedy])
    reply.status = status
    return reply
  }

  private func encode(_ value: some Encodable) -> ControlReply {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return ControlReply(status: 200, json: String(decoding: try encoder.encode(value), as: UTF8.self))
    } catch {
      return ControlReply(status: 500, json: "{\"error\":\"the answer cannot be encoded\"}")
    }
  }
}
