// The systems that come with nb: YAML files in Presets/, compiled in, read by the same code as a notebook's blocks.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// A preset in a list of them.
public struct PresetSummary: Hashable, Sendable {
  public var name: String
  /// One line.
  public var title: String
  /// Days of the course that use it.
  public var days: [Int]
}

/// The presets by name.
public var presetSummaries: [PresetSummary] {
  presets.sorted { $0.key < $1.key }.map { name, preset in
    PresetSummary(name: name, title: presetNode(name)?["title"]?.text ?? name, days: preset.days)
  }
}

/// Names of the preset systems, for `uses:` and `extends:`.
public var presetNames: [String] { presets.keys.sorted() }

/// A preset with its defaults, or nil when there is none of this name.
public func preset(_ name: String) -> SystemSpec? {
  var diagnostics = Diagnostics()
  return preset(name, set: [], diagnostics: &diagnostics)
}

/// A preset with overrides as they are typed in a shell, `product-cache.capacity=0`; nil when there is none of this name, or after mistakes.
public func preset(_ name: String, set: [String], diagnostics: inout Diagnostics) -> SystemSpec? {
  guard var draft = presetDraft(name) else { return nil }
  let findings = Findings()
  draft.apply(typed: set, findings)
  let spec = SystemResolver(statements: [:], findings: findings).resolve(draft, seed: derivedSeed(1, name))
  diagnostics.add(contentsOf: findings.diagnostics.ordered)
  return findings.diagnostics.hasErrors ? nil : spec
}

private func presetNode(_ name: String) -> YAMLNode? {
  guard let preset = presets[name] else { return nil }
  let source = SourceText(path: "preset \(name)", text: String(decoding: preset.text, as: UTF8.self))
  var diagnostics = Diagnostics()
  guard let node = YAMLNode(parsing: source, diagnostics: &diagnostics) else { preconditionFailure("the preset \(name) is not YAML") }
  return node
}

func presetDraft(_ name: String) -> SystemDraft? {
  guard let node = presetNode(name) else { return nil }
  let findings = Findings()
  var draft = SystemReader(findings: findings).read(node, id: name, base: nil)
  precondition(!findings.diagnostics.hasErrors, "the preset \(name) has mistakes")
  draft.forgetPlaces()
  return draft
}

extension SystemDraft {
  /// A preset's places are not in the notebook: mistakes that overrides make in it are reported at its start.
  fileprivate mutating func forgetPlaces() {
    let start = SourceRange(0, 0)
    place = start
    for r in roles.indices {
      roles[r].place = start
      roles[r].params = roles[r].params.mapValues { Parameter(value: $0.value, place: start) }
      roles[r].overrides = roles[r].overrides.map { ($0.number, $0.path, Parameter(value: $0.value.value, place: start)) }
      for t in roles[r].routes.indices {
        roles[r].routes[t].place = start
        for s in roles[r].routes[t].stages.indices {
          roles[r].routes[t].stages[s].place = start
          roles[r].routes[t].stages[s].params = roles[r].routes[t].stages[s].params.mapValues { Parameter(value: $0.value, place: start) }
        }
      }
    }
  }
}

private let presets: [String: (text: [UInt8], days: [Int])] = [
  "page": (PackageResources.page_yml, [21]),
  "shop": (PackageResources.shop_yml, [1, 2, 3, 4, 7, 8, 9, 16, 20, 22]),
  "pool": (PackageResources.pool_yml, [7]),
  "fleet": (PackageResources.fleet_yml, [11]),
  "cdn": (PackageResources.cdn_yml, [12]),
  "pipeline": (PackageResources.pipeline_yml, [23]),
  "model": (PackageResources.model_yml, [24]),
  "broken-shop": (PackageResources.broken_shop_yml, [25]),
]
