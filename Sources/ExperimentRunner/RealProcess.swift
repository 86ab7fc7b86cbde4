// Real components for a run: a child of nb starts them, and ends them when it is asked to, when nb ends and when nb is
// killed. It is the lab's own code, in a process of its own for that last case.

import ExperimentModel
import Foundation
import MeasureKernel

/// What the child says in its one line.
public struct RealAnswer: Codable, Sendable {
  public struct Failure: Codable, Sendable, Error {
    public var place: String
    public var cause: String
    public var remedy: String
    public init(place: String, cause: String, remedy: String) { self.place = place; self.cause = cause; self.remedy = remedy }
  }
  public var services: [RealService]?
  public var failure: Failure?
  public init(services: [RealService]? = nil, failure: Failure? = nil) { self.services = services; self.failure = failure }
}

public final class RealProcess {
  public let services: [RealService]
  private let child: ChildProcess
  /// Seconds until all of them must be up.
  private static let patience = 120.0

  /// Starts them and waits until each has answered.
  ///
  /// - Parameter argv: nb and the arguments of its child mode.
  /// - Throws: `RealAnswer.Failure` with place, cause and remedy.
  public init(_ components: [RealComponent], argv: [String]) throws(RealAnswer.Failure) {
    do {
      child = try ChildProcess(name: "the keeper of real components", argv: argv)
      let names = try? JSONEncoder().encode(components)
      try child.send(line: String(decoding: names ?? Data(), as: UTF8.self))
      let line = try child.line(timeout: Self.patience)
      let answer = try? JSONDecoder().decode(RealAnswer.self, from: Data(line.utf8))
      if let failure = answer?.failure { throw failure }
      services = answer?.services ?? []
    } catch let failure as RealAnswer.Failure {
      throw failure
    } catch {
      let reason = error as? MeasureError
      throw RealAnswer.Failure(
        place: "--real", cause: reason?.cause ?? String(describing: error), remedy: reason?.remedy ?? "its own message is on stderr")
    }
  }

  /// Ends them. A database that is thrown away needs no second, a loaded machine may.
  public func stop() { child.stop(patience: 10) }
}
