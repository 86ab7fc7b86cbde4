import ExperimentModel
import NIOCore

/// Appends a message with the route's variables to a topic and goes on when its policy is satisfied: what is answered 202
/// is there after a crash. Writing and syncing happen on a thread.
final class PublishStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: PublishSpec
  private let topic: Topic
  private let environment: any Environment
  /// What a message carries: the route's variables, without the place of the message that a worker is at.
  private let variables: [(name: String, index: Int)]
  private var published = 0
  private var rejected = 0
  private var failed = 0
  private var waited: Int64 = 0

  init(_ spec: PublishSpec, name: String, variables: [String], topic: Topic, environment: any Environment) {
    self.spec = spec; self.name = name; self.topic = topic; self.environment = environment
    probe = StageProbe(name, .real)
    self.variables = variables.enumerated().map { ($1, $0) }.filter { $0.0 != WorkerSpec.offsetVariable }
  }

  func enter(_ exchange: Exchange) -> StageStep {
    if let limit = spec.limit, topic.waiting >= limit {
      switch spec.full {
      case .dropOldest: topic.dropOldest(limit: limit)
      case .reject:
        rejected += 1
        exchange.fail(503, "\(name): the topic \(topic.name) is full")
        return .answer
      }
    }
    let start = environment.now
    var message = Message(
      publishedAt: start, names: variables.map(\.name), values: variables.map { exchange.variables[$0.index] }, padding: spec.size)
    if let trail = exchange.trail { exchange.route.role.telemetry?.reader?.write(trail, into: &message) }
    topic.publish(message, spec.fsync) { [self] outcome in
      waited += environment.now - start
      let role = exchange.route.role
      switch outcome {
      case .success(let place):
        published += 1
        exchange.answer.status = 202
        exchange.answer.body = ByteBuffer(string: "{\"offset\":\(place)}")
        exchange.answer.contentType = .json
        role.resume(exchange)
      case .failure(let failure):
        failed += 1
        exchange.fail(500, "\(name): \(failure)")
        role.complete(exchange)
      }
    }
    return .later
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "published", published)
    counters.add(name, "rejected", rejected)
    counters.add(name, "failed", failed)
    counters.add(name, "waited_ns", Int(waited))
  }

  func resetCounters() { published = 0; rejected = 0; failed = 0; waited = 0 }
}
