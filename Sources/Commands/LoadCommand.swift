// `nb load URL`: load on a server, from the shell. Open by default as soon as a rate is given; every time counts from the
// moment at which the request was due. Only this machine, unless somebody says that the other one is theirs.

import ArgumentParser
import CourseSite
import ExperimentModel
import ExperimentRunner
import Foundation
import LoadKernel
import PerfLanguage
import Reporting
import TextModel

struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Load on a server, with response times from the intended send.",
    discussion: """
      nb load http://127.0.0.1:8080/ --rate 2k --duration 30s --slo 'p99<50ms'
      nb load http://127.0.0.1:8080/ --users 50
      nb load http://127.0.0.1:8080/ --find-capacity --slo 'p99<20ms'

      With --rate requests are sent at their times whatever the server does, and one that must wait waits in the numbers. Exit
      codes: 2 an objective failed, 3 not decided or the run was INVALID.
      """)

  @Argument(help: "URLs; several are asked in turn at random, with equal weight.") var urls: [String]
  @Option(name: .shortAndLong, help: "Open model: requests per second, such as 500 or 2k.") var rate: String?
  @Option(name: .shortAndLong, help: "Closed model: users that each wait for their answer (10 without a rate).") var users: Int?
  @Option(name: .shortAndLong, help: "How long, such as 30s.") var duration: String?
  @Option(help: "DURATION:TARGET,…: ramps, such as 10s:100,30s:1k, or 10s:20u,30s:50u for users.") var stages: String?
  @Option(help: "So many requests in all, by --users.") var iterations: Int?
  @Option(help: "smoke, load, stress, spike, soak or breakpoint, around --rate.") var preset: LoadPreset?
  @Option(help: "poisson or uniform.") var arrivals: String?
  @Option(help: "Of a user between two requests.") var thinkTime: String?
  @Option(help: "Most open connections of an open model (64).") var connections: Int?
  @Option(name: .shortAndLong, help: "GET, POST, …") var method: String?
  @Option(name: [.customShort("H"), .customLong("header")], help: "'Name: value'; may be repeated.") var headers: [String] = []
  @Option(name: .shortAndLong, help: "Text that is sent with each request.") var body: String?
  @Option(help: "File whose text is sent with each request.") var bodyFile: String?
  @Option(help: "An objective such as 'p99<50ms' or 'errors<1% every 1s'; may be repeated.") var slo: [String] = []
  @Flag(help: "Stop as soon as an objective has failed beyond doubt.") var abortOnFail = false
  @Option(help: "How long the run must have lasted before it may be stopped.") var delayAbort: String?
  @Flag(help: "Search for the highest rate that keeps the first --slo.") var findCapacity = false
  @Option(help: "Of the capacity search.") var budget = "60s"
  @Option(help: "A request that takes longer has failed.") var timeout = "10s"
  @Option(help: "Of arrivals and choices.") var seed: UInt64 = 1
  @Option(help: "Loops, each on a thread and a core of its own.") var threads = 1
  @Option(help: "The processor that sends, for it alone; with --threads also those after it. An open model then goes before whatever else runs there, where it may.")
  var cpu: Int?
  @Option(help: "Stop when a quantile's interval is narrow enough: p99=5% is ±5 %.") var until: String?
  @Flag(name: .customLong("http2"), help: "HTTP/2: by ALPN over https, with prior knowledge over http.") var useHTTP2 = false
  @Flag(help: "Accept any certificate: for throw-away ones of a test server.") var insecure = false
  @Option(name: .customLong("cacert"), help: "PEM file of authorities to trust as well.") var authorities: String?
  @Flag(help: "A jar of cookies for each user.") var cookies = false
  @Flag(inversion: .prefixedNo, help: "The kernel's time of receipt instead of the program's, for 3 % more CPU; on for an open model unless turned off.")
  var kernelStamps: Bool?
  @Option(help: "An HdrHistogram interval log of response and service time.") var hlog: String?
  @Option(help: "CSV with a row a request in the order in which they were due: intended_ns, sent_ns and received_ns from the start, status, error, request, bytes, connection.")
  var raw: String?
  @Option(help: "Rows that --raw keeps at most, in memory that is taken before the start (40 bytes a row while it runs, 110 while it is written); what ends later is counted and said.")
  var rawRows = 1_000_000
  @Option(help: "Requests per second that are never exceeded; 1k where a host is not this machine.") var rateCap: String?
  @Flag(help: "Hardly any spinning before a send: later by up to 0.1 ms, but nearly without the CPU.") var polite = false
  @Flag(help: "Let idle processors sleep as they do without nb; an open model keeps them awake where it may, which takes root.") var idleStates = false
  @Option(help: "A host that is not this machine, and yours to load.") var iOwn: [String] = []
  @Option(help: "A self-contained page.") var html: String?
  @Option(help: "The windows of the run as CSV.") var csv: String?
  @Flag(help: "One JSON object on stdout, nothing else.") var json = false
  @Flag(help: "Only ASCII characters.") var ascii = false
  @Flag(help: "No progress.") var quiet = false

  func validate() throws {
    guard !urls.isEmpty else { throw ValidationError("name a server, such as nb load http://127.0.0.1:8080/") }
    let places = try urls.map(LoadURL.init)
    guard Set(places.map { "\($0.host):\($0.port)" }).count == 1 else { throw ValidationError("all URLs must be of one server") }
    _ = try profile(places)
    _ = try objectives()
    _ = try stopRule()
    guard threads >= 1, threads <= 64 else { throw ValidationError("--threads is 1 to 64") }
    let processors = ProcessInfo.processInfo.processorCount
    if let cpu, cpu < 0 || cpu + threads > processors {
      throw ValidationError("--cpu and --threads need processors \(cpu) to \(cpu + threads - 1); here are 0 to \(processors - 1)")
    }
    if let rateCap { _ = try typed(typedRate(rateCap), "--rate-cap is requests per second such as 500 or 2k") }
    guard (1...100_000_000).contains(rawRows) else { throw ValidationError("--raw-rows is 1 to 100000000") }
    if findCapacity, raw != nil { throw ValidationError("--raw is of one run, --find-capacity makes many") }
    if findCapacity, slo.isEmpty { throw ValidationError("--find-capacity needs an objective, such as --slo 'p99<50ms'") }
  }

  func run() throws {
    Interrupts.watch()
    let places = try urls.map(LoadURL.init)
    let target = try permitted(places[0])
    var options = LoadOptions()
    options.polite = polite
    options.keepsAwake = !idleStates
    options.threads = threads
    options.cpu = cpu
    options.rawRows = raw == nil ? 0 : rawRows
    options.stopWhen = try stopRule()
    // Somebody's production is not the place for a typing error.
    options.maxRate = rateCap.flatMap(typedRate) ?? (places[0].isLoopback || places[0].socket != nil ? nil : 1_000)
    let profile = try profile(places)
    let machine = machineDescription()
    let isAwake = options.keepsAwake(profile) && AwakeProcessors.arePermitted
    let notes = [isAwake ? "idle processors kept awake" : nil, profile.executor.isOpen ? machine["priority"] : nil]
    let environment = ([environmentLine(machine)] + notes.compactMap { $0 }).joined(separator: ", ")
    var request = LoadRequest(
      profile: profile, target: target, targetText: urls.joined(separator: " "), options: options, objectives: try objectives(),
      environment: environment)
    // An open loop sleeps between requests, and is woken some 20 µs after an answer is there.
    request.options.kernelStamps = kernelStamps ?? request.profile.executor.isOpen
    if hlog != nil { request.logStart = Date().timeIntervalSince1970 }
    do {
      if findCapacity { try search(request) } else { try once(request) }
    } catch let failure as CellFailure {
      Output.failure(Diagnostic("load-failed", .error, failure.cause, remedy: failure.remedy))
      throw Exit.failed
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }

  /// This machine, or a host that was named twice.
  private func permitted(_ url: LoadURL) throws -> LoadTarget {
    let targets = TrustedTargets(Workspace.here)
    guard url.socket != nil || url.isLoopback || iOwn.contains(url.host) || targets.permits(url.host) else {
      Output.failure(targets.refusal(url.host, "load on somebody else's server is an attack"))
      throw Exit.failed
    }
    var target = url.socket.map { LoadTarget(unixSocket: $0) } ?? LoadTarget(.tcp(host: url.host, port: url.port), permitted: !url.isLoopback)
    target.transport = url.isTLS ? (useHTTP2 ? .http2 : .tls) : useHTTP2 ? .http2Clear : .http1
    target.acceptsAnyCertificate = insecure
    target.trustedCertificates = authorities
    if url.socket == nil, url.host != "localhost", url.host.contains(where: { $0.isLetter && !$0.isHexDigit || $0 == "." && !url.isLoopback }) {
      do throws(LoadError) { target.addresses = try LoadTarget.resolve(url.host) } catch {
        Output.failure(Diagnostic("load-failed", .error, error.cause, remedy: error.remedy))
        throw Exit.failed
      }
    }
    return target
  }

  /// `p99=5%`.
  private func stopRule() throws -> StopRule? {
    guard let until else { return nil }
    let parts = until.split(separator: "=", maxSplits: 1).map(String.init)
    let wrong = "--until reads QUANTILE=SHARE, such as p99=5%"
    guard parts.count == 2, let q = LatencySummary.names.first(where: { $0.name == parts[0] })?.q, parts[1].hasSuffix("%"),
      let percent = Double(parts[1].dropLast()), percent > 0, percent <= 50
    else { throw ValidationError(wrong) }
    return StopRule(quantile: q, relativeHalfWidth: percent / 100)
  }

  private func once(_ request: LoadRequest) throws {
    let report = try measured(request, note: "")
    if let html { try writeFileAtomically(html, Array(loadPage(report).utf8)) }
    if let hlog, let text = report.histogramLog { try writeFileAtomically(hlog, Array(text.utf8)) }
    if let raw, let rows = report.raw { try writeFileAtomically(raw, rawCSV(rows)) }
    if let csv { try writeFileAtomically(csv, Array(loadCSV(report).utf8)) }
    Output.standard(json ? try loadJSON(report) : loadText(report, style: style))
    if Interrupts.requested { throw Exit.interrupted }
    if report.thresholds.contains(where: { $0.outcome == .fail }) { throw Exit.threshold }
    if report.validity == .invalid || report.thresholds.contains(where: { $0.outcome == .inconclusive }) { throw Exit.inconclusive }
  }

  private func search(_ request: LoadRequest) throws {
    var plan = CapacityPlan()
    plan.start = request.profile.rate ?? 100
    plan.budget = try typed(typedDuration(budget), "--budget is a time such as 60s").seconds
    let began = ContinuousClock.now
    let report = try searchCapacity(
      plan, target: request.targetText, objective: request.objectives[0],
      elapsed: {
        let passed = ContinuousClock.now - began
        return Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
      }, cancelled: { Interrupts.requested },
      run: { rate, seconds throws(CellFailure) in
        var one = request
        one.profile.executor = .constantArrivalRate
        one.profile.rate = rate
        one.profile.vus = nil
        one.profile.duration = Nanoseconds(seconds: seconds)
        // As many as the rate needs when each answer takes as long as it may.
        one.profile.connections = request.profile.connections ?? 256
        one.objectives = [request.objectives[0]]
        return try measured(one, note: "\(Int(rate)) rps: ")
      })
    Output.standard(json ? try capacityJSON(report) : capacityText(report, style: style))
    if Interrupts.requested { throw Exit.interrupted }
    if report.capacity == nil { throw Exit.inconclusive }
  }

  private var style: TerminalStyle { TerminalStyle(ascii: ascii, color: isatty(1) == 1 && getenv("NO_COLOR") == nil) }

  private func measured(_ request: LoadRequest, note: String) throws(CellFailure) -> LoadReport {
    let live = Output.errorIsTerminal && !quiet
    defer { if live { Output.error("\r\u{1B}[K") } }
    return try runLoad(
      request,
      progress: { now in
        guard live else { return }
        var text = "\(note)\(Int(now.elapsed.seconds)) s"
        if let total = now.total { text += " of \(Int(total.seconds)) s" }
        text += "  \(now.requests) requests  \(format(MetricValue(Estimate(now.rate), .perSecond)))"
        text += "  p99 \(format(MetricValue(Estimate(Double(now.p99.rawValue)), .nanoseconds)))"
        if now.failed > 0 { text += "  \(now.failed) failed" }
        Output.error("\r\u{1B}[K\(text.prefix(110))")
      }, cancelled: { Interrupts.requested })
  }
}
