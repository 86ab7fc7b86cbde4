// The keeper of real components: a child mode of nb.

import ExperimentModel
import Foundation

extension Lab {
  /// Starts real components and keeps them until stdin ends, the parent is gone or a signal asks for the end; then they
  /// are ended and their folders removed. A process of its own, so that this also happens when nb is killed.
  ///
  /// - Parameter ready: called once, when each of them has answered.
  /// - Throws: `LabError` when one cannot be found or does not come up.
  public static func keepReal(_ components: [RealComponent], ready: ([RealService]) -> Void) throws {
    let parent = getppid()
    let ending = try Ending()
    let servers = try RealServers(components)
    defer { servers.stop() }
    ready(servers.services)
    ending.wait(followingParent: parent)
  }
}
