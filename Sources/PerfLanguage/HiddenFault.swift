// `hidden` of a system: a fault that the learner's seed chooses; `answer` of a check. Rows of the key table, reading, the choice, what it makes of
// the draft.
// The choice is made when a system is resolved, after every `set`: a plan holds the system as it is served, and says nowhere what was chosen.

import ExperimentModel
import Statistics
import StrictYAML
import TextModel

let hiddenKeys: [Shape: [Key]] = [
  .hidden: [
    Key("stages", .list("names of stages"), "one of them stays, chosen by the learner's seed; the others are removed", required: true),
    Key(
      "values", .other("lists of values by attribute of `telemetry`, such as {tenant: [t1, t2]}"),
      "the stage that stays is passed by requests with one of these only: an attribute is drawn, then one of its values", required: true),
  ],
  .answer: [
    Key("of", .name, "a system with `hidden`", required: true),
    Key("service", .text, "the role that holds the slow stage; empty or left out: not answered yet"),
    Key("attribute", .text, "the attribute of the requests that are slow"),
    Key("value", .text, "its value"),
  ],
]

/// A stage of one system, and the only requests that pass it.
struct HiddenFault: Hashable {
  /// The role that holds the stage.
  var service: String
  var stage: String
  var attribute: String
  var value: String
}

/// What a hidden fault is drawn from.
struct HiddenDraft {
  var stages: [(name: String, place: SourceRange)]
  var values: [(attribute: String, values: [String])]
  /// The system in whose block it stands: one that extends that system has the same fault.
  var owner: String
  var place: SourceRange
  /// Of the draw; planning knows it.
  var seed: UInt64 = 0
  /// `set: {hidden.off: true}`: the build without the fault.
  var isOff = false

  static let name = "hidden"
  static let offKey = Key("off", .flag, "the system without its hidden fault", standard: "false")

  /// Faults that can have been chosen.
  var count: Int { stages.count * values.reduce(0) { $0 + $1.values.count } }

  /// Uniform over the stages, over the attributes, and over the values of the one drawn. Only of a draft without mistakes.
  var choice: (stage: String, attribute: String, value: String) {
    var random = SeededRandom(seed: seed)
    func one<Element>(of list: [Element]) -> Element { list[min(list.count - 1, Int(random.uniform() * Double(list.count)))] }
    let stage = one(of: stages).name
    let (attribute, values) = one(of: values)
    return (stage, attribute, one(of: values))
  }
}

extension SystemReader {
  /// Comes after stages have their names.
  func readHidden(_ fields: Fields, into draft: inout SystemDraft) {
    guard !fields.isBroken else { return }
    let stages = fields.texts("stages")
    if fields.items("stages").isEmpty { reportEmpty("stages", "name the stages of which one stays", at: fields.place("stages")) }
    reportRepeated(stages, in: "stages")
    let values = readHiddenValues(fields)
    draft.hidden = HiddenDraft(stages: stages.map { ($0.text, $0.place) }, values: values, owner: draft.id, place: fields.place("stages"))
  }

  private func readHiddenValues(_ fields: Fields) -> [(attribute: String, values: [String])] {
    guard let node = fields.contents("values"), let entries = node.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`values` is a mapping of lists, not \(fields.contents("values")?.kindName ?? "nothing")",
        remedy: "such as {tenant: [t1, t2]}", at: fields.place("values"))
      return []
    }
    if entries.isEmpty { reportEmpty("values", "such as {tenant: [t1, t2]}", at: fields.place("values")) }
    return entries.map { entry in
      let list = (entry.value.items ?? []).compactMap { item in item.isNull ? nil : item.text.map { (text: $0.trimmed, place: item.range) } }
      if entry.value.items == nil || list.count < entry.value.items?.count ?? 0 || list.contains(where: { $0.text.isEmpty }) {
        findings.error(
          PerfDiagnosticID.wrongType, "the values of `\(entry.key)` are a list of texts", remedy: "such as [t1, t2]",
          at: entry.value.isNull ? entry.keyRange : entry.value.range)
      } else if list.isEmpty {
        reportEmpty(entry.key, "list the values of which one is drawn", at: entry.keyRange)
      }
      reportRepeated(list, in: entry.key)
      return (entry.key, list.map(\.text))
    }
  }

  private func reportEmpty(_ name: String, _ remedy: String, at place: SourceRange) {
    findings.error(PerfDiagnosticID.outOfRange, "`\(name)` is empty: there is nothing to draw from", remedy: remedy, at: place)
  }

  private func reportRepeated(_ list: [(text: String, place: SourceRange)], in name: String) {
    for (index, one) in list.enumerated() where list[..<index].contains(where: { $0.text == one.text }) {
      findings.error(
        PerfDiagnosticID.duplicateName, "`\(one.text)` stands twice in `\(name)`, and would be drawn twice as often", remedy: "keep one of them", at: one.place)
    }
  }

  /// What the fault names must be there; also where an extending system changed what it names.
  func checkHidden(_ draft: SystemDraft) {
    guard let hidden = draft.hidden else { return }
    let known = draft.roles.flatMap(\.routes).flatMap(\.stages).filter { !$0.isEnd }
    for (name, place) in hidden.stages {
      guard let stage = known.first(where: { $0.name == name }) else {
        findings.error(
          PerfDiagnosticID.unknownStage, "`hidden` names `\(name)`, which is no stage of the system `\(draft.id)`",
          remedy: suggestion(for: name, among: known.map(\.name), what: "its stages"), at: place)
        continue
      }
      if stage.params["when"] != nil {
        findings.error(
          PerfDiagnosticID.doesNotApply, "the stage `\(name)` says by itself `when` it is passed, and `hidden` is to choose that",
          remedy: "leave out its `when`, or its name here", at: place)
      }
      if stage.params["per"]?.value == .text("batch") {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`hidden` cannot choose among the messages of a batch, and `\(name)` is passed by the whole batch",
          remedy: "leave out its `per: batch`, or its name here", at: place)
      }
    }
    let attributes = draft.attributes.map(\.name)
    for (attribute, _) in hidden.values where !attributes.contains(attribute) {
      findings.error(
        PerfDiagnosticID.unknownPath, "`hidden` draws from `\(attribute)`, which is no attribute of the system `\(draft.id)`",
        remedy: attributes.isEmpty
          ? "declare it: `telemetry: {attributes: {\(attribute): header:NAME}}`" : suggestion(for: attribute, among: attributes, what: "attributes"),
        at: hidden.place)
    }
  }
}

extension SystemDraft {
  /// What was chosen; nil without `hidden`.
  var hiddenFault: HiddenFault? {
    guard !isBroken, let choice = hidden?.choice else { return nil }
    let role = roles.first { $0.routes.contains { $0.stages.contains { $0.name == choice.stage } } }
    return role.map { HiddenFault(service: $0.name, stage: choice.stage, attribute: choice.attribute, value: choice.value) }
  }

  /// As it is served: with the one fault, or without any.
  func withHiddenFault(_ findings: Findings) -> SystemDraft {
    guard let hidden else { return self }
    let choice = hidden.choice
    let names = Set(hidden.stages.map(\.name))
    var draft = self
    for r in roles.indices {
      for one in roles[r].overrides where names.contains(where: { one.path == "\($0).when" || one.path == "\($0).off" }) {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`\(one.path)` of an instance is chosen by `hidden` of the system `\(id)`", remedy: "leave it out", at: one.value.place)
      }
      for t in roles[r].routes.indices {
        for s in roles[r].routes[t].stages.indices where names.contains(roles[r].routes[t].stages[s].name) {
          let stage = roles[r].routes[t].stages[s]
          if let own = stage.params["when"] {
            findings.error(
              PerfDiagnosticID.doesNotApply, "`when` of `\(stage.name)` is chosen by `hidden` of the system `\(id)`", remedy: "leave it out of `set`", at: own.place)
          }
          guard stage.name == choice.stage, !hidden.isOff else {
            draft.roles[r].routes[t].stages[s].isOff = true
            continue
          }
          draft.roles[r].routes[t].stages[s].params["when"] = Parameter(value: .text("\(choice.attribute)==\(choice.value)"), place: hidden.place)
        }
      }
    }
    return draft
  }
}

// MARK: The answer

extension Planning {
  /// nil after a report, or when the system's own mistakes were reported. What is no part of the system is a slip and reported; what is a wrong
  /// answer is not.
  func readAnswer(_ fields: Fields) -> CheckAnswer? {
    guard let name = fields.text("of"), let draft = system(name, at: fields.contents("of")?.range ?? fields.place("of")), !draft.isBroken else { return nil }
    guard let hidden = draft.hidden, let fault = draft.hiddenFault else {
      findings.error(
        PerfDiagnosticID.doesNotApply, "the system `\(name)` hides nothing to be asked for", remedy: "name a system with `hidden`",
        at: fields.contents("of")?.range ?? fields.place("of"))
      return nil
    }
    let values = hidden.values.flatMap { fields.text("attribute") == $0.attribute ? $0.values : [] }
    let known = [
      ("service", draft.roles.map(\.name), "its roles"), ("attribute", hidden.values.map(\.attribute), "attributes that it is drawn from"),
      ("value", values, "values that it is drawn from"),
    ]
    var given: [String] = []
    for (key, names, what) in known {
      let text = (fields.text(key) ?? "").trimmed
      given.append(text)
      // Without an attribute no value is known.
      guard !text.isEmpty, !names.isEmpty, !names.contains(text) else { continue }
      findings.error(
        PerfDiagnosticID.unknownValue, "`\(key)` of the answer is `\(text)`, which `\(name)` does not have",
        remedy: suggestion(for: text, among: names, what: what), at: fields.contents(key)?.range ?? fields.place(key))
    }
    if given.contains("") { return .open }
    return given == [fault.service, fault.attribute, fault.value] ? .right : .wrong
  }
}
