// The key table as a JSON Schema (draft 2020-12), for editors and other tools. It says of one block what its keys are and of
// which form their values; what a value means beside others (a path that exists, a metric of a block) only `nb check` knows.
// A schema sees YAML as a reader of JSON's types does: `5` is a number, `20ms` a text, `true` a truth value.

import ExperimentModel
import Foundation

/// The schema as pretty JSON with sorted keys and a final line ending; the same text for the same version of nb.
public func blockSchema() -> String {
  let root = SchemaWriter().root()
  guard let data = try? JSONSerialization.data(withJSONObject: root, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) else {
    preconditionFailure("a schema holds only text, numbers, lists and mappings")
  }
  return String(decoding: data, as: UTF8.self) + "\n"
}

private struct SchemaWriter {
  typealias Schema = [String: Any]

  func root() -> Schema {
    var definitions: [String: Any] = ["stage of a role": stageOfARole]
    for shape in Shape.allCases where !shape.keys.isEmpty { definitions[shape.rawValue] = mapping(shape) }
    let sugar = ["compare", "sweep", "chaos"]
    var cases: [Schema] = Shape.blocks.map { shape in
      ["if": kindIs(shape.rawValue), "then": reference(shape)]
    }
    for word in sugar {
      // `of: load` may be left out.
      for shape in [Shape.load, .bench, .sim] {
        var condition = kindIs(word)
        if shape == .load {
          condition["not"] = ["properties": ["of": ["enum": ["bench", "sim"]]], "required": ["of"]] as Schema
        } else {
          condition["properties"] = ["kind": ["const": word], "of": ["const": shape.rawValue]] as Schema
          condition["required"] = ["kind", "of"]
        }
        cases.append(["if": condition, "then": reference(shape)])
      }
    }
    return [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "perf block of a notebook", "type": "object",
      "description": "One ```perf block of a notebook. `nb check` knows more: what names refer to, units of metrics, times of a lesson.",
      "required": ["kind"], "properties": ["kind": ["enum": Shape.blocks.map(\.rawValue) + sugar]] as Schema, "allOf": cases, "$defs": definitions,
    ]
  }

  private func kindIs(_ word: String) -> Schema { ["properties": ["kind": ["const": word]] as Schema, "required": ["kind"]] }

  private func reference(_ shape: Shape) -> Schema {
    ["$ref": "#/$defs/" + shape.rawValue.replacing("`", with: "%60").replacing(" ", with: "%20")]
  }

  private func mapping(_ shape: Shape) -> Schema {
    var properties: [String: Any] = [:]
    for key in shape.keys {
      var value = schema(of: key, in: shape)
      value["description"] = key.meaning
      if let standard = key.standard { value["description"] = "\(key.meaning); without it \(standard)" }
      properties[key.name] = value
    }
    var out: Schema = ["type": "object", "properties": properties]
    let required = shape.keys.filter(\.required).map(\.name)
    if !required.isEmpty { out["required"] = required }
    switch shape {
    case .system:
      // Roles may have names of their own.
      out["additionalProperties"] = anyOf([.role, .worker, .edge])
    default: out["additionalProperties"] = false
    }
    return out
  }

  private func anyOf(_ shapes: [Shape]) -> Schema { ["anyOf": shapes.map(reference)] }

  private func schema(of key: Key, in shape: Shape) -> Schema {
    switch (shape, key.name) {
    case (_, "kind") where Shape.blocks.contains(shape): return ["type": "string"]
    case (.system, "origin"): return anyOf([.role, .edge, .worker])
    case (.system, "edge"), (.system, "worker"): return anyOf([.edge, .worker, .role])
    case (.system, "data"): return ["type": "object", "additionalProperties": reference(.dataset)]
    case (.hidden, "stages"): return list(of: ["type": "string"])
    case (_, "routes"): return ["type": "object", "additionalProperties": list(of: ["$ref": "#/$defs/stage%20of%20a%20role"])]
    case (.worker, "stages"), (.lock, "inside"): return list(of: ["$ref": "#/$defs/stage%20of%20a%20role"])
    case (_, "scenario"): return list(of: anyOf([.request, .journey]))
    case (.journey, "steps"): return list(of: reference(.request))
    case (_, "thresholds"): return ["type": "object", "additionalProperties": list(of: ["anyOf": [["type": "string"], reference(.threshold)]])]
    case (_, "expect"): return ["type": "object", "additionalProperties": reference(.expectation)]
    case (_, "set"): return ["type": "object"]
    case (.sampling, "tail"): return list(of: reference(.samplingPolicy))
    default: break
    }
    if let inner = key.innerShape(in: shape) {
      if case .list = key.type { return list(of: reference(inner)) }
      if shape == .sim, key.name == "vary" { return ["anyOf": [reference(inner), list(of: reference(inner))]] }
      return reference(inner)
    }
    return schema(of: key.type)
  }

  private func schema(of type: KeyType) -> Schema {
    switch type {
    case .name: ["type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$", "maxLength": 64]
    case .text: ["type": ["string", "number", "boolean"]]
    case .word(let words): ["enum": words]
    case .integer(let least): least == Int.min ? ["type": "integer"] : ["type": "integer", "minimum": least]
    case .number(let range):
      range.upperBound == .infinity
        ? ["type": "number", "minimum": range.lowerBound] : ["type": "number", "minimum": range.lowerBound, "maximum": range.upperBound]
    case .flag: ["type": "boolean"]
    case .duration: dimension(.nanoseconds)
    case .rate: dimension(.perSecond)
    case .size: dimension(.bytes)
    case .share: ["anyOf": [["type": "number", "minimum": 0, "maximum": 1], ["type": "string", "pattern": "^\(Self.number) ?(pct|%|pp)$"]] as [Schema]]
    case .shape(let shape): reference(shape)
    case .list: ["type": "array"]
    case .texts: list(of: ["type": ["string", "number", "boolean"]], least: 1)
    case .other: [:]
    }
  }

  private static let number = "[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?"

  /// A number with one of the units; only zero needs none.
  private func dimension(_ unit: MetricUnit) -> Schema {
    let names = UnitSpelling.all.filter { $0.unit == unit }.map { $0.name }
    return ["anyOf": [["type": "string", "pattern": "^\(Self.number) ?(\(names.joined(separator: "|")))$"], ["const": 0]] as [Schema]]
  }

  private func list(of item: Schema, least: Int = 0) -> Schema {
    least == 0 ? ["type": "array", "items": item] : ["type": "array", "items": item, "minItems": least]
  }

  /// `- cache: {…}`: one kind and its parameters.
  private var stageOfARole: Schema {
    [
      "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
      "properties": Dictionary(uniqueKeysWithValues: stageKinds.map { ($0.rawValue, reference($0) as Any) }),
    ]
  }
}
