// `--real postgres,redis`: real programs in the place of the lab's own parts, for `nb run` and `nb lab serve`.

import ArgumentParser
import ExperimentModel
import ExperimentRunner
import TextModel

struct RealOptions: ParsableArguments {
  @Option(
    name: .customLong("real"),
    help: "A real program in the place of the lab's own part: postgres, redis, memcached, nginx or haproxy; repeat, or separate with commas.")
  var names: [String] = []

  /// - Throws: a usage error for a name that there is not, or for two that take the same place.
  func components() throws -> [RealComponent] {
    var chosen: [RealComponent] = []
    for name in names.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }).map(String.init) {
      let known = RealComponent.allCases.map(\.rawValue)
      guard let component = RealComponent(rawValue: name) else {
        let near = nearestName(to: name, among: known).map { "did you mean `\($0)`?" } ?? "there are \(known.joined(separator: ", "))"
        throw ValidationError("--real: there is no component `\(name)`; \(near)")
      }
      if !chosen.contains(component) { chosen.append(component) }
    }
    if chosen.contains(.redis), chosen.contains(.memcached) {
      throw ValidationError("--real: redis and memcached take the same place, the second level of a cache; choose one")
    }
    if chosen.contains(.nginx), chosen.contains(.haproxy) {
      throw ValidationError("--real: nginx and haproxy take the same place, the front edge; choose one")
    }
    return chosen
  }
}

/// Starts the components that something uses, and says which nothing does; nil: none is needed.
///
/// - Parameter place: what was looked through, for messages.
/// - Throws: `Exit.failed` after the reason was printed.
func keepReal(_ components: [RealComponent], usedBy uses: (RealComponent) -> Bool, in place: String) throws -> RealProcess? {
  for component in components where !uses(component) {
    Output.failure(
      Diagnostic(
        "real-unused", .warning, "--real \(component.rawValue): nothing that would run in \(place) has \(component.place); it is not started",
        remedy: "leave it out, or choose a block that has one"))
  }
  let used = components.filter(uses)
  guard !used.isEmpty else { return nil }
  do throws(RealAnswer.Failure) {
    return try RealProcess(used, argv: [executablePath(), "lab", "real"])
  } catch {
    Output.failure(Diagnostic("real-failed", .error, "\(error.place): \(error.cause)", remedy: error.remedy))
    throw Exit.failed
  }
}
