import ExperimentModel
import Foundation
import NIOCore

// The control plane: counters out, switches in. Same port as the traffic, never queued; Foundation is fine here,
// because nothing of it runs for a request under load.

struct ControlReply {
  var status: Int
  var contentType: StaticString = "application/json"
  var body: ByteBuffer
  init(status: Int, json: String) { self.status = status; body = ByteBuffer(string: json) }
  init(_ contentType: StaticString, _ body: ByteBuffer) { status = 200; self.contentType = contentType; self.body = body }
  var json: String { String(buffer: body) }
}

extension LabCore {
  private struct StageRequest: Codable { var stage: String; var off: Bool }
  private struct TraceRequest: Codable { var on: Bool }

  /// - Parameter face: where it was asked: what a scraper reads there is what serves there.
  func control(method: String, path: String, body: ByteBuffer, accept: String = "", face: Face? = nil) -> ControlReply {
    switch (method, path) {
    case ("GET", "/_nb/metrics"), ("HEAD", "/_nb/metrics"): return metrics(accept, face)
    case ("GET", _) where path.hasPrefix("/_nb/telemetry/"): return telemetry(path, accept)
    case ("GET", "/_nb/counters"), ("HEAD", "/_nb/counters"): return counters()
    case ("GET", "/_nb/system"), ("HEAD", "/_nb/system"):
      // The database lets in whoever knows this name.
      var shown = system
      shown.real = shown.real?.map { RealService(component: $0.component, port: $0.port, label: $0.label, settings: $0.settings) }
      return encode(shown)
    case ("POST", "/_nb/reset"):
      stages.forEach { $0.resetCounters() }
      roles.forEach { $0.resetCounters() }
      edges.forEach { $0.resetCounters() }
      faults.resetCounters()
      broker?.topics.values.forEach { $0.resetCounters() }
      telemetry?.clear()
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
      return fault(body)
    case ("GET", "/_nb/fault"), ("HEAD", "/_nb/fault"): return encode(faults.list)
    case ("DELETE", "/_nb/fault"):
      faults.clear()
      return done
    case ("POST", "/_nb/stage"):
      do { return setStage(try JSONDecoder().decode(StageRequest.self, from: Data(body.readableBytesView))) } catch {
        return failure(400, "the switch is not readable", "send {\"stage\":NAME,\"off\":true|false}")
      }
    default:
      let all = "GET counters, GET system, GET trace, POST trace, POST reset, POST clear, GET fault, POST fault, DELETE fault, POST stage, GET metrics, GET telemetry/{traces,metrics,logs}"
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
    faults.appendCounters(to: &counters)
    return counters
  }

  /// A fault as a block's, flat: times in nanoseconds, sizes in bytes, shares as numbers. Without a duration, or with 0, it lasts
  /// until `DELETE /_nb/fault`.
  private func fault(_ body: ByteBuffer) -> ControlReply {
    let fault: FaultSpec
    do { fault = try JSONDecoder().decode(FaultSpec.self, from: Data(body.readableBytesView)) } catch {
      struct Named: Decodable { var toxic: String }
      let names = Toxic.allCases.map(\.rawValue).joined(separator: ", ")
      if let named = try? JSONDecoder().decode(Named.self, from: Data(body.readableBytesView)), Toxic(rawValue: named.toxic) == nil {
        return failure(400, "there is no toxic `\(named.toxic)`", "use one of \(names)")
      }
      return failure(
        400, "the fault is not readable",
        "send {\"target\":NAME,\"toxic\":\"latency\",\"latency\":NANOSECONDS,\"duration\":NANOSECONDS}; toxics: \(names)")
    }
    do throws(FaultBus.Refusal) { try faults.inject(fault) } catch { return failure(400, error.cause, error.remedy) }
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

  func failure(_ status: Int, _ cause: String, _ remedy: String) -> ControlReply {
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
