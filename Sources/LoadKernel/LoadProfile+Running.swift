// What both engines read off a profile: how many connections, how many users at a moment, whether a cap allows it.

import CKernelShims
import ExperimentModel
import Statistics

extension LoadProfile {
  /// Connections, or requests at a time.
  var slotCount: Int {
    let users = executor == .rampingVUs ? Int((stages.map(\.target).max() ?? 1).rounded(.up)) : vus ?? 1
    return max(1, executor.isOpen ? connections ?? 64 : users)
  }

  /// Users that a ramp asks for, `elapsed` ns after the start.
  func users(at elapsed: Int64) -> Int {
    var from = 0.0
    var begin: Int64 = 0
    for stage in stages {
      let finish = begin + stage.duration.rawValue
      if elapsed < finish {
        let share = stage.jump == true ? 1 : Double(max(0, elapsed - begin)) / Double(max(1, stage.duration.rawValue))
        return Int((from + (stage.target - from) * share).rounded())
      }
      from = stage.target
      begin = finish
    }
    return Int(from.rounded())
  }

  /// Planned time, where there is one.
  func span(_ options: LoadOptions) -> Nanoseconds {
    let ramp = stages.reduce(Nanoseconds.zero) { $0 + $1.duration }
    return ramp > .zero ? ramp : options.measured ?? duration
  }

  /// Requests per second of a plan of this profile, at most: a session makes several of each arrival.
  func peakRate(of plan: ArrivalPlan) -> Double { plan.peakRate * Double(max(1, sessionLength ?? 1)) }

  /// - Throws: `rate-over-cap` when an open plan goes above `options.maxRate`.
  func check(_ options: LoadOptions) throws(LoadError) {
    guard let cap = options.maxRate, let plan = ArrivalPlan(self, duration: options.measured, seed: 1) else { return }
    let peak = peakRate(of: plan)
    guard peak > cap * 1.000001 else { return }
    throw LoadError(
      id: "rate-over-cap", cause: "the plan reaches \(Int(peak.rounded(.up))) requests per second, the cap is \(Int(cap))",
      remedy: "lower the rate, or raise the cap if the target is yours")
  }
}

extension LoadProfile {
  /// Raises the limit of descriptors to what a run needs.
  ///
  /// - Throws: `descriptors` when the system does not allow so many: connections that could never open would make every number
  ///   that of a smaller run.
  func reserveDescriptors(connections: Int, loops: Int) throws(LoadError) {
    let used = max(nb_open_descriptors(), 8)
    // An epoll a loop, and a few for what the process does beside the run.
    let needed = Int64(connections + loops) + used + 8
    let allowed = nb_allow_descriptors(needed + 56)
    guard allowed < needed else { return }
    throw LoadError(
      id: "descriptors", cause: "\(connections) connections need \(needed) descriptors, and this process may have \(allowed)",
      remedy: "fewer connections or users, or raise the limit: `ulimit -n \(needed)`, as root where the hard limit is lower")
  }
}

extension ThinkTime {
  /// The next pause in nanoseconds.
  func draw(_ random: inout SeededRandom) -> Int64 {
    switch self {
    case .constant(let pause): pause.rawValue
    case .exponential(let mean): Int64(Double(mean.rawValue) * random.exponential())
    case .uniform(let low, let high): low.rawValue + Int64(Double(high.rawValue - low.rawValue) * random.uniform())
    }
  }
}

extension Scenario {
  private static let setCookie = Array("set-cookie".utf8)

  /// Cookies, checks and captures of an answer; nil when it is good.
  func judge(
    _ template: Template, _ status: Int, _ sink: ResponseSink?, _ user: User?, regex: (String) -> Regex<AnyRegexOutput>?
  ) -> (kind: ErrorKind, text: String)? {
    if usesCookies, let sink, let user { sink.eachHeader(Self.setCookie) { user.setCookie($0, $1) } }
    if status >= 400, !template.checksStatus { return (.status, "status \(status)") }
    for i in 0..<Int(template.checks) {
      let check = checks[Int(template.firstCheck) + i]
      if !check.holds(status: status, sink) { return (.check, "`\(check.text)` did not hold (status \(status))") }
    }
    guard let sink, let user else { return nil }
    for i in 0..<Int(template.captures) {
      let capture = captures[Int(template.firstCapture) + i]
      if !user.keep(capture, from: sink, regex: regex) {
        return (sink.isCut ? .tooLarge : .check, "nothing to capture for `\(capture.name)` (status \(status))")
      }
    }
    return nil
  }
}
