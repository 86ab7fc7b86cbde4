// The model `link`: pages of objects over a path that loses packets (day 14).
//
//   sender ── window ──> [ buffer | narrowest link ] ──> losses ──> receiver ── acknowledgement, never lost ──> sender
//
// TCP and QUIC send alike here: slow start, congestion avoidance, a packet is lost when one sent three later has come, a timer when
// nothing comes. They differ in what a loss holds up: with TCP whatever follows it on its connection, with QUIC its own object.

import ExperimentModel

struct LinkModel: SimulatedModel {
  enum Order: String { case fair, turn, request }

  let isQUIC: Bool
  let isCubic: Bool
  let isPeriodic: Bool
  let connections: Int
  let rtt: Double
  /// Bytes a second, and bytes.
  let bandwidth: Double
  let buffer: Double
  let loss: Double
  let mss: Int
  let initialWindow: Int
  let objects: Int
  let size: Int
  let order: Order
  let handshake: Int
  let timeoutLeast: Double
  let pages: Int
  /// Objects a second that are asked for one by one; nil: all are asked for at once.
  let rate: Double?

  /// Packets of an object, and bytes of its last one.
  var pieces: Int { (size + mss - 1) / mss }
  var lastBytes: Int { size - (pieces - 1) * mss }
  /// Seconds until the sender hears of the first request.
  var requested: Double { ((rate == nil ? Double(handshake) : 0) + 0.5) * rtt }
  /// Of the timer before the first acknowledgement (RFC 6298: three times the handshake's round trip, or a second without one).
  var firstTimeout: Double { handshake > 0 ? max(timeoutLeast, 3 * rtt) : 1 }
  static let timeoutMost = 60.0

  init(_ p: Parameters) throws(SimulationError) {
    (isQUIC, isCubic, isPeriodic) = (p.word("transport") == "quic", p.word("congestion") == "cubic", p.word("losses") == "periodic")
    (connections, rtt, bandwidth) = (p.whole("connections"), p.seconds("rtt"), p.number("bandwidth"))
    (buffer, loss, initialWindow) = (p.given("buffer") ?? .infinity, p.number("loss"), p.whole("initial_window"))
    (objects, timeoutLeast, rate) = (p.whole("objects"), p.seconds("rto_least"), p.given("rate"))
    let word = p.word("order")
    // What is asked for later is sent later.
    order = rate == nil ? Order(rawValue: word) ?? .fair : .turn
    handshake = p.given("handshake").map { Int($0) } ?? (isQUIC ? 1 : 2)
    (mss, size) = (Int(min(1e9, p.number("mss"))), Int(min(1e15, p.number("size"))))
    pages = p.size("pages", least: 20)
    guard rtt > 0, bandwidth > 0, mss > 0, size > 0, timeoutLeast > 0 else {
      throw p.refusal("`rtt`, `bandwidth`, `mss`, `size` and `rto_least` are above 0", "such as rtt 50ms, bandwidth 6MiB, mss 1460B")
    }
    if let rate {
      guard rate > 0 else { throw p.refusal("`rate` is 0: no object is ever asked for", "give a rate above 0, or none to ask for all at once") }
      guard word != "request" else { throw p.refusal("`rate` and `order: request` both say when an object is asked for", "leave one of them out") }
    }
    guard loss <= 0.5 else { throw p.refusal("`loss` is \(shown(loss)): of so lossy a path nobody waits for a page", "at most 0.5") }
    guard buffer >= Double(mss) else { throw p.refusal("`buffer` holds \(shown(buffer)) bytes, less than a packet of \(mss)", "give more, or no buffer") }
    guard connections <= objects else { throw p.refusal("\(connections) connections for \(objects) objects", "at most one connection for each object") }
    let packets = Double(objects) * (Double(size) / Double(mss)).rounded(.up)
    guard packets <= 4e6 else { throw p.refusal("a page has \(shown(packets)) packets", "at most 4000000: give a smaller `size`, or fewer `objects`") }
    guard packets * Double(pages) <= 2e9 else {
      throw p.refusal("\(shown(packets * Double(pages))) packets in a replication", "at most 2000000000: give fewer `pages`")
    }
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = LinkMachine(self, seed: seed, replication: index)
    var found = Replication()
    for _ in 0..<pages {
      if cancelled() { throw SimulationError(cause: "the simulation was interrupted") }
      found.events += try run(&machine, cancelled: cancelled).events
    }
    guard let mean = machine.times.mean, machine.pageSum > 0 else { return found }
    found.values = [
      "mean": mean * 1e9, "transfer_rate": Double(pages) * Double(objects) * Double(size) / machine.pageSum,
      "retransmitted_share": Double(machine.repeated) / Double(machine.path.sent),
    ]
    // Of objects asked for one by one the last one's end is their number over their rate.
    if rate == nil { found.values["page_time"] = machine.pageSum / Double(pages) * 1e9 }
    for (name, q) in responseQuantiles { found.values[name] = machine.times.quantile(q) * 1e9 }
    return found
  }

  // MARK: Theory

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction?.values ?? [:] }

  private var prediction: Prediction? {
    guard connections == 1, buffer == .infinity, rate == nil else { return nil }
    let packetTime = Double(min(size, mss)) / bandwidth
    if loss == 0 {
      // Packets of two lengths in one flight leave gaps that the sum below does not know, but for one at the very end.
      guard size % mss == 0 || pieces == 1 || objects == 1, order != .request || objects == 1 else { return nil }
      let path = LossFreePath(rtt: rtt, packetTime: packetTime, initialWindow: initialWindow)
      func end(_ object: Int) -> Double {
        let last = order == .fair ? objects * (pieces - 1) + object : (object + 1) * pieces - 1
        let short = Double(min(size, mss) - lastBytes) / bandwidth
        return Double(handshake + 1) * rtt + path.end(ofPacket: last + 1) - short
      }
      let ends = (0..<objects).map(end)
      let page = ends[objects - 1]
      let name = "slow start without losses: \(path.rounds(packets: objects * pieces)) rounds, exact"
      return Prediction(
        name,
        [
          "mean": ends.reduce(0, +) / Double(objects) * 1e9, "page_time": page * 1e9, "transfer_rate": Double(objects * size) / page,
          "retransmitted_share": 0,
        ]
      )
    }
    guard objects == 1 else { return nil }
    if pieces == 1 {
      guard !isPeriodic else { return nil }
      let waits = repeatedTimeouts(loss: loss, first: firstTimeout, most: Self.timeoutMost)
      let time = (Double(handshake + 1) * rtt + packetTime + waits) * 1e9
      return Prediction("one packet: its timer doubled until it comes, exact", ["mean": time, "page_time": time])
    }
    // Where the formula's assumptions hold: many losses, windows well above the three that show a loss, and a path never full.
    let range = 2e-4...(isPeriodic ? 0.003 : 0.01)
    guard !isCubic, range.contains(loss), Double(pieces) * loss >= 100, bandwidth * rtt / Double(mss) >= 4 / loss.squareRoot() else { return nil }
    let constant = isPeriodic ? mathisPeriodic : mathisRandom
    let rate = mathisRate(constant: constant, mss: Double(mss), rtt: rtt, loss: loss)
    return Prediction("Mathis: \(shown((constant * 100).rounded() / 100))·MSS/(RTT·√p), within 10 %", ["transfer_rate": rate])
  }
}
