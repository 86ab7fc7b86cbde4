import ExperimentModel

/// All topics of a system: their folders and their names.
final class Broker {
  private(set) var topics: [String: Topic] = [:]
  private let folder: String

  /// Makes a topic for every name that is published to, consumed or holds dead letters.
  /// - Throws: `LabError` when a log cannot be opened.
  init(_ system: SystemSpec, folder: String, environment: any Environment) throws {
    self.folder = folder
    for name in system.topics {
      guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
        throw LabError(place: "system, topic \(name)", cause: "it is no name for a folder", remedy: "use letters, digits and hyphens")
      }
      do throws(LogFailure) {
        topics[name] = try Topic(name, folder: "\(folder)/\(name)", environment: environment)
      } catch {
        throw LabError(
          place: "system, topic \(name)", cause: "its log cannot be opened: \(error)",
          remedy: "make room in the lab's folder, or start with an empty one")
      }
    }
  }

  /// Where the worker of a topic says what it is done with.
  func acknowledgements(of topic: String) -> String { "\(folder)/\(topic)/acknowledgements" }
}

extension SystemSpec {
  /// Every topic, in the order in which it is first named.
  var topics: [String] {
    var names: [String] = []
    for role in roles {
      for case .publish(let spec) in role.routes.flatMap(\.stages).map(\.work) { names.append(spec.topic) }
      if let worker = role.worker { names += [worker.consumes] + (worker.dlq.map { [$0] } ?? []) }
    }
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}
