// The systems that come with nb, as the YAML one would write; read by the same code as a notebook's.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// Names of the preset systems, for `uses:` and `extends:`.
public var presetNames: [String] { presets.keys.sorted() }

/// A preset with its defaults, or nil when there is none of this name.
public func preset(_ name: String) -> SystemSpec? {
  guard let draft = presetDraft(name) else { return nil }
  return SystemResolver(statements: [:], findings: Findings()).resolve(draft, seed: derivedSeed(1, name))
}

func presetDraft(_ name: String) -> SystemDraft? {
  guard let text = presets[name] else { return nil }
  let source = SourceText(path: "preset \(name)", text: text)
  var diagnostics = Diagnostics()
  guard let node = YAMLNode(parsing: source, diagnostics: &diagnostics) else {
    preconditionFailure("the preset \(name) is not YAML")
  }
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

private let presets: [String: String] = [
  "shop": """
  # A product page of the outdoor shop of the course: cache, database, remote primary, body.
  kind: system
  id: shop
  origin:
    workers: 32
    queue: {limit: 256, discipline: fifo}
    routes:
      GET /product/{id}:
        - cache: {as: product-cache, key: "{id}", policy: lru, capacity: 1000, ttl: 60s, single_flight: true}
        - sql: {as: db, statement: "SELECT id, name, price, version, payload FROM products WHERE id = :id", pool: 5}
        - wait: {as: primary, dist: uniform, min: 18ms, max: 22ms, stands_for: remote primary database}
        - bytes: {as: body, size: 2KiB, etag: true}
      PUT /product/{id}:
        - sql: {as: db-write, statement: "UPDATE products SET version = version + 1 WHERE id = :id", pool: 5}
        - bytes: {as: receipt, size: 2B}
  data:
    products: {rows: 10000, popularity: {zipf: 0.9}}
  """
]
