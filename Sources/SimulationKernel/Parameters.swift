// An arm's numbers and words as a model asks for them.

import ExperimentModel

/// Why a simulation cannot run; the reason is for the author of the block.
public struct SimulationError: Error, Sendable, Hashable, CustomStringConvertible {
  public var cause: String
  public var remedy: String?
  public var description: String { cause + (remedy.map { "; \($0)" } ?? "") }
}

/// The arguments of a model, checked against its table of parameters.
struct Parameters {
  let model: SimModel
  private let arm: SimArm
  /// Shorter runs.
  let quick: Bool
  private let place: String

  /// - Throws: `SimulationError` for a name that the model does not have, and for a number out of its range.
  init(_ model: SimModel, _ arm: SimArm, quick: Bool) throws(SimulationError) {
    self.model = model
    self.arm = arm
    self.quick = quick
    place = arm.name.isEmpty ? "" : "arm `\(arm.name)`: "
    let known = Dictionary(model.parameters.map { ($0.key, $0) }, uniquingKeysWith: { a, _ in a })
    for name in (Array(arm.numbers.keys) + Array(arm.words.keys)).sorted() {
      guard let parameter = known[name] else {
        throw refusal("the model `\(model.name)` has no `\(name)`", "its parameters: \(model.parameters.map(\.name).joined(separator: ", "))")
      }
      if let problem = Self.problem(parameter, arm.numbers[name], arm.words[name]) { throw refusal(problem.cause, problem.remedy) }
    }
  }

  private static func problem(_ parameter: SimParameter, _ number: Double?, _ word: String?) -> (cause: String, remedy: String)? {
    switch (parameter.kind, number, word) {
    case (.word(let words), nil, let word?):
      return words.contains(word) ? nil : ("there is no \(parameter.name) `\(word)`", "it is one of \(words.joined(separator: ", "))")
    case (.number(let range), let number?, nil):
      return range.contains(number) ? nil : ("\(parameter.name) is \(shown(number))", "give a number from \(shown(range.lowerBound)) to \(shown(range.upperBound))")
    case (.whole(let range), let number?, nil):
      let fits = number == number.rounded() && number >= Double(range.lowerBound) && number <= Double(range.upperBound)
      return fits ? nil : ("\(parameter.name) is \(shown(number))", "give a whole number from \(range.lowerBound) to \(range.upperBound)")
    case (.share, let number?, nil): return (0...1).contains(number) ? nil : ("\(parameter.name) is \(shown(number))", "give a share from 0 to 1")
    case (.time, let number?, nil), (.rate, let number?, nil), (.size, let number?, nil):
      return number >= 0 && number < 1e18 ? nil : ("\(parameter.name) is \(shown(number))", "give one that is not negative")
    default: return ("\(parameter.name) is of the wrong kind", "see `nb sim describe`")
    }
  }

  func refusal(_ cause: String, _ remedy: String?) -> SimulationError { SimulationError(cause: place + cause, remedy: remedy) }

  // MARK: Access

  func given(_ name: String) -> Double? { arm.numbers[SimParameter.key(name)] }

  func number(_ name: String) -> Double {
    if let number = given(name) { return number }
    guard let standard = model.parameter(name)?.standard, let value = Self.plain(standard) else {
      preconditionFailure("`\(name)` of the model `\(model.name)` has no standard")
    }
    return value
  }

  func whole(_ name: String) -> Int { Int(number(name)) }
  func seconds(_ name: String) -> Double { number(name) / 1e9 }
  func givenSeconds(_ name: String) -> Double? { given(name).map { $0 / 1e9 } }

  func word(_ name: String) -> String {
    guard let word = arm.words[SimParameter.key(name)] ?? model.parameter(name)?.standard else {
      preconditionFailure("`\(name)` of the model `\(model.name)` has no standard")
    }
    return word
  }

  /// A third of the size in a quick run, but enough for a figure.
  func size(_ name: String, least: Int) -> Int {
    let asked = whole(name)
    return quick ? max(min(asked, least), asked / 3) : asked
  }

  /// A standard as the table writes it.
  private static func plain(_ text: String) -> Double? {
    if let number = Double(text) { return number }
    let units: [(String, Double)] = [
      ("rps", 1), ("ms", 1e6), ("us", 1e3), ("ns", 1), ("min", 60e9), ("s", 1e9), ("h", 3_600e9),
      ("d", 86_400e9), ("pct", 0.01), ("KiB", 1024), ("MiB", 1_048_576), ("B", 1),
    ]
    for (unit, factor) in units {
      if text.hasSuffix(unit), let number = Double(text.dropLast(unit.count)) { return number * factor }
    }
    return nil
  }

  /// A law in seconds: `service`, `service.dist`, …
  ///
  /// - Parameter mean: seconds; nil: the parameter of that name.
  func law(_ name: String, mean given: Double? = nil) throws(SimulationError) -> Law {
    let mean = given ?? seconds(name)
    guard mean > 0, mean < 1e12 else { throw refusal("\(name) has the mean \(shown(mean)) s", "give a time above 0") }
    let has = { (part: String) in self.model.parameter("\(name).\(part)") != nil }
    guard has("dist") else { return .exponential(mean: mean) }
    let word = word("\(name).dist")
    let variation = self.given("\(name).cv2")
    func need(_ least: Double, _ most: Double, _ standard: Double) throws(SimulationError) -> Double {
      let value = variation ?? standard
      guard value >= least, value <= most else {
        throw refusal("\(name).cv2 is \(shown(value)), and a law `\(word)` has \(shown(least)) to \(shown(most))", "choose another law or another cv2")
      }
      return value
    }
    switch word {
    case "constant": return .constant(mean)
    case "uniform":
      let half = (3 * (try need(0, 1.0 / 3, 1.0 / 3))).squareRoot()
      return .uniform(low: mean * (1 - half), high: mean * (1 + half))
    case "lognormal": return .lognormal(mean: mean, sigma: Portable.log(1 + (try need(1e-6, 1e4, 1))).squareRoot())
    case "gamma": return .gamma(mean: mean, shape: 1 / (try need(1e-4, 1e4, 1)))
    case "erlang": return .gamma(mean: mean, shape: (1 / (try need(1e-4, 1, 0.25))).rounded())
    case "hyperexp": return .hyperexponential(mean: mean, squaredVariation: try need(1, 1e4, 4))
    case "pareto":
      let byVariation = 1 + (1 + 1 / (try need(1e-3, 1e4, 1.0 / 3))).squareRoot()
      let alpha = self.given("\(name).alpha") ?? byVariation
      guard alpha > 1 else {
        throw refusal("\(name).alpha is \(shown(alpha)): a Pareto law with alpha ≤ 1 has no mean, and a queue of it no steady state", "give an alpha above 1")
      }
      return .pareto(mean: mean, alpha: alpha)
    case "mix":
      return .mixture(
        mean: mean, slowShare: self.given("\(name).slow_share") ?? 0.02, slowMean: givenSeconds("\(name).slow") ?? 10 * mean)
    default: return .exponential(mean: mean)
    }
  }
}
