import ExperimentModel
import TelemetryModel

/// What a role knows of a stage beside the stage itself: who passes it, and how its span looks.
final class StageNote {
  private let condition: StageCondition?
  private let index: Int
  let span: StageSpan?

  /// - Parameter reader: nil when nothing of a request is known.
  init(_ spec: StageSpec, _ span: StageSpan?, _ reader: TrailReader?) throws(LabError) {
    condition = spec.when
    self.span = span
    index = reader?.attributes.firstIndex { $0.name == spec.when?.attribute } ?? -1
    if let condition, index < 0 {
      throw LabError(
        place: "system, stage \(spec.name)", cause: "`when` asks for `\(condition.attribute)`, which is no attribute of `telemetry`",
        remedy: "declare it: `telemetry: {attributes: {\(condition.attribute): header:NAME}}`")
    }
  }

  func admits(_ exchange: Exchange) -> Bool {
    guard let condition else { return true }
    return exchange.route.attribute(index, exchange) == condition.value
  }
}

/// A stage's span before it is one.
struct StageSpan {
  var name: TelemetryText
  var kind: SpanKind
  /// Passed at once as a rule: only a wait inside is worth a span.
  var isOnlyForWaiting = false
  var texts: [(key: TelemetryText, value: TelemetryText)] = []
}

extension StageSpan {
  /// Nil for stages that take no time of their own, and for those that are to have none.
  init?(_ spec: StageSpec, _ system: SystemSpec, _ names: AttributeNames, _ recording: SpanRecording) {
    if spec.span == false { return nil }
    func make(_ name: String, _ kind: SpanKind, waiting: Bool = false, _ texts: [(TelemetryText, String)] = []) -> StageSpan {
      StageSpan(
        name: recording.text(name), kind: kind, isOnlyForWaiting: waiting,
        texts: [("nb.stage", recording.text(spec.name))] + texts.map { ($0.0, recording.text($0.1)) })
    }
    switch spec.work {
    case .sql(let sql):
      let summary = StatementSummary(sql.statement)
      var texts: [(TelemetryText, String)] = [
        (names.database, system.service(.postgres) == nil ? "sqlite" : "postgresql"), (names.operation, summary.operation),
        (names.statement, sql.statement),
      ]
      if !summary.table.isEmpty { texts.append((names.table, summary.table)) }
      self = make(summary.text, .client, texts)
    case .wait(let wait): self = make(spec.name, .client, [("nb.stands_for", wait.standsFor)])
    case .error(let error):
      guard let slow = error.slow else { return nil }
      self = make(spec.name, .client, waiting: true, [("nb.stands_for", slow.standsFor)])
    case .cpu: self = make(spec.name, .internal)
    case .io: self = make(spec.name, .internal)
    case .infer: self = make(spec.name, .internal)
    case .publish(let publish):
      self = make(
        "send \(publish.topic)", .producer,
        [
          ("messaging.system", "nb"), ("messaging.operation.name", "send"), ("messaging.operation.type", "send"),
          ("messaging.destination.name", publish.topic),
        ])
    case .lock(let lock): self = make("lock \(lock.lock)", .internal, waiting: true)
    case .alloc, .bytes, .cache: self = make(spec.name, .internal, waiting: true)
    case .call, .unlock, .limit: return nil
    }
  }

  /// Of one call of the stage.
  init(calling spec: CallSpec, _ stage: String, _ names: AttributeNames, _ recording: SpanRecording) {
    self.init(
      name: recording.text("GET \(spec.path)"), kind: .client,
      texts: [
        ("nb.stage", recording.text(stage)), (names.method, "GET"), (names.peer, "127.0.0.1"),
      ] + (names.template.map { [($0, recording.text(spec.path))] } ?? []))
  }
}

/// `SELECT product`: what the conventions call a statement's summary, from its first words.
struct StatementSummary {
  let operation: String
  let table: String
  var text: String { table.isEmpty ? operation : operation + " " + table }

  init(_ statement: String) {
    let words = statement.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    operation = words.first?.uppercased() ?? "SQL"
    let place = words.firstIndex { ["FROM", "INTO", "UPDATE"].contains($0.uppercased()) }
    table = place.flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil } ?? ""
  }
}
