// What was typed behind `nb load` → a profile, a target, objectives. Everything that is wrong is said at once, with what to
// type instead; nothing is sent from here.

import ArgumentParser
import ExperimentModel
import Foundation
import LoadKernel
import PerfLanguage

/// A URL taken apart: `http://127.0.0.1:8080/x?y`, or `127.0.0.1:8080/x` without a scheme; `unix:/run/x.sock:/path` for a socket.
struct LoadURL {
  /// Path of a Unix socket; nil: TCP.
  var socket: String?
  var host: String
  var port: Int
  var path: String
  var text: String
  var isTLS: Bool

  init(_ text: String) throws {
    self.text = text
    if text.hasPrefix("unix:") {
      let parts = text.dropFirst(5).split(separator: ":", maxSplits: 1).map(String.init)
      guard let socket = parts.first, socket.hasPrefix("/") else { throw ValidationError("`\(text)` is not unix:/PATH/TO/SOCKET:/path") }
      self.socket = socket
      (host, port, isTLS) = ("localhost", 0, false)
      path = parts.count > 1 ? parts[1] : "/"
      guard path.hasPrefix("/") else { throw ValidationError("`\(path)` is not a path such as /product/7") }
      return
    }
    let full = text.contains("://") ? text : "http://" + text
    guard let parts = URLComponents(string: full), let host = parts.host, !host.isEmpty, let scheme = parts.scheme?.lowercased(),
      ["http", "https"].contains(scheme)
    else { throw ValidationError("`\(text)` is not a URL such as http://127.0.0.1:8080/path") }
    guard parts.user == nil, parts.password == nil else { throw ValidationError("give credentials as --header 'Authorization: …', not in the URL") }
    self.host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    isTLS = scheme == "https"
    port = parts.port ?? (isTLS ? 443 : 80)
    guard (1...65_535).contains(port) else { throw ValidationError("\(port) is not a port") }
    let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
    self.path = path + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
  }

  /// Only this machine is contacted without being asked twice.
  var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." } }
}

/// The test types of day 4 as traffic around a rate: what each is for decides its shape.
enum LoadPreset: String, CaseIterable, ExpressibleByArgument {
  case smoke, load, stress, spike, soak, breakpoint

  /// Stages of an open model around the rate `r`, in a time of `d` seconds; nil: constant.
  func stages(rate r: Double, seconds d: Double) -> [RampStage]? {
    func stage(_ factor: Double, _ share: Double) -> RampStage { RampStage(target: r * factor, duration: Nanoseconds(seconds: d * share)) }
    switch self {
    case .smoke, .soak: return nil
    case .load: return [stage(1, 0.1), stage(1, 0.8), stage(0, 0.1)]
    case .stress: return [stage(1, 0.1), stage(1, 0.2), stage(1.5, 0.1), stage(1.5, 0.2), stage(2, 0.1), stage(2, 0.2), stage(0, 0.1)]
    case .spike: return [stage(1, 0.05), stage(1, 0.35), stage(5, 0.02), stage(5, 0.16), stage(1, 0.02), stage(1, 0.4)]
    case .breakpoint: return [stage(10, 1)]
    }
  }
}

extension LoadCommand {
  /// Every argument but the target's permission, checked.
  func profile(_ urls: [LoadURL]) throws -> LoadProfile {
    var requests = try urls.map { url in try requestSpec(url, isAlone: urls.count == 1) }
    if requests.count > 1 { for i in requests.indices { requests[i].name = "\(requests[i].method) \(urls[i].path)" } }
    let time = try duration.map { text in try typed(typedDuration(text), "--duration is a time such as 10s or 2min") } ?? Nanoseconds(seconds: 10)
    var profile = LoadProfile(executor: .constantVUs, duration: time, vus: 10, requests: requests, seed: seed)
    profile.timeout = try typed(typedDuration(timeout), "--timeout is a time such as 10s")
    // A target that does not even take the connection has not answered either.
    profile.connectTimeout = min(profile.timeout, Nanoseconds(seconds: 5))
    profile.connections = connections
    if cookies { profile.cookies = true }
    if let arrivals {
      guard let kind = Arrivals(rawValue: arrivals) else { throw ValidationError("--arrivals is \(Arrivals.allCases.map(\.rawValue).joined(separator: " or "))") }
      profile.arrivals = kind
    }
    if let thinkTime { profile.thinkTime = try typed(typedDuration(thinkTime), "--think-time is a time such as 100ms") }
    let given = [rate != nil ? "--rate" : nil, users != nil ? "--users" : nil, stages != nil ? "--stages" : nil].compactMap(\.self)
    guard given.count <= 1 || given == ["--rate"] else { throw ValidationError("\(given.joined(separator: " and ")) exclude each other: an open model has a rate, a closed one users") }
    if let rate {
      profile.executor = .constantArrivalRate
      profile.rate = try typed(typedRate(rate), "--rate is requests per second such as 500 or 2k")
      profile.vus = nil
    } else if let users {
      guard users > 0, users <= 100_000 else { throw ValidationError("--users is 1 to 100000") }
      profile.vus = users
    } else if let stages {
      profile = try staged(profile, stages)
    }
    if let iterations {
      guard rate == nil, stages == nil, iterations > 0 else { throw ValidationError("--iterations is a number above 0, for --users") }
      profile.executor = .sharedIterations
      profile.iterations = iterations
    }
    return try shaped(profile)
  }

  private func shaped(_ given: LoadProfile) throws -> LoadProfile {
    guard let preset else { return given }
    var profile = given
    guard profile.executor == .constantArrivalRate, let rate = profile.rate else {
      throw ValidationError("--preset \(preset.rawValue) needs --rate: the rate that you expect in production")
    }
    if let stages = preset.stages(rate: rate, seconds: profile.duration.seconds) {
      profile.executor = .rampingArrivalRate
      profile.stages = stages
      profile.rate = preset == .breakpoint ? rate * 0.1 : rate * 0.5
    } else if preset == .smoke {
      profile.rate = min(rate, 5)
    }
    return profile
  }

  /// `10s:100,30s:1k` is requests per second; `10s:20u` users.
  private func staged(_ given: LoadProfile, _ text: String) throws -> LoadProfile {
    var profile = given
    let parts = text.split(separator: ",").map { $0.split(separator: ":", maxSplits: 1).map(String.init) }
    let wrong = "--stages reads DURATION:TARGET, such as 10s:100,30s:1k for a rate or 10s:20u,30s:50u for users"
    guard !parts.isEmpty, parts.allSatisfy({ $0.count == 2 }) else { throw ValidationError(wrong) }
    let areUsers = parts.allSatisfy { $0[1].hasSuffix("u") }
    profile.stages = try parts.map { part in
      let target = areUsers ? Double(part[1].dropLast()) : part[1] == "0" ? 0 : typedRate(part[1])
      return RampStage(target: try typed(target, wrong), duration: try typed(typedDuration(part[0]), wrong))
    }
    profile.executor = areUsers ? .rampingVUs : .rampingArrivalRate
    profile.rate = nil
    profile.vus = nil
    profile.duration = profile.stages.reduce(.zero) { $0 + $1.duration }
    return profile
  }

  private func requestSpec(_ url: LoadURL, isAlone: Bool) throws -> RequestSpec {
    var headers: [String: String] = [:]
    for header in self.headers {
      let parts = header.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, !parts[0].isEmpty, header.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw ValidationError("--header reads 'Name: value', not `\(header)`")
      }
      headers[parts[0]] = parts[1]
    }
    let verb = (method ?? (body == nil && bodyFile == nil ? "GET" : "POST")).uppercased()
    guard !verb.isEmpty, verb.allSatisfy({ $0.isASCII && $0.isLetter }) else { throw ValidationError("--method is a word such as POST") }
    var text = body
    if let bodyFile {
      guard body == nil else { throw ValidationError("--body and --body-file exclude each other") }
      guard let content = try? String(contentsOfFile: bodyFile, encoding: .utf8) else { throw ValidationError("\(bodyFile) cannot be read as text") }
      text = content
    }
    return RequestSpec(name: isAlone ? verb + " " + url.path : url.path, method: verb, path: url.path, headers: headers, body: text)
  }

  func objectives() throws -> [Judgement] {
    try slo.map { text in
      switch typedObjective(text) {
      case .success(var judgement):
        judgement.abortOnFail = abortOnFail && judgement.window == nil
        judgement.delayAbort = try delayAbort.map { try typed(typedDuration($0), "--delay-abort is a time such as 2s") }
        return judgement
      case .failure(let error): throw ValidationError("--slo: \(error.cause); \(error.remedy)")
      }
    }
  }

  func typed<T>(_ value: T?, _ message: String) throws -> T {
    guard let value else { throw ValidationError(message) }
    return value
  }
}
