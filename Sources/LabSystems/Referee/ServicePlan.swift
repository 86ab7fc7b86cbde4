// When each request is to be answered: its service time, the queue it waits in, the stalls in which nothing is
// served. Pure: arrivals in, due times out; RefereeLoop keeps the times.

/// An infinite or c-server, first-come-first-served station whose servers stand still in stalls.
///
///     due = the moment at which `service` nanoseconds outside stalls have passed since max(arrival, a server is free)
struct ServicePlan {
  private let service: ServiceTime
  private let stallOffsets: [RefereeOptions.Stall]
  private var random: SeededRandom
  private let seed: UInt64
  /// When each server has finished what it was given; empty for infinitely many.
  private var free: [Int64]
  /// Absolute stalls [begin, end), merged, once the first request is there.
  private(set) var stalls: [(begin: Int64, end: Int64)] = []
  private var origin: Int64?

  init(_ options: RefereeOptions) {
    service = options.service
    stallOffsets = options.stalls.filter { $0.length > 0 }
    seed = options.seed
    random = SeededRandom(seed: options.seed, stream: "referee")
    free = Array(repeating: .min, count: options.servers)
  }

  /// As at the start: the next arrival is the first one.
  mutating func reset() {
    origin = nil
    stalls = []
    random = SeededRandom(seed: seed, stream: "referee")
    for i in free.indices { free[i] = .min }
  }

  mutating func due(arrival: Int64) -> Int64 {
    if origin == nil { begin(at: arrival) }
    let need = service.draw(&random)
    if free.isEmpty { return finish(arrival, need) }
    // A scan: 1,024 servers at most, and few where capacity is the question.
    var server = 0
    for i in 1..<max(1, free.count) where free[i] < free[server] { server = i }
    let done = finish(max(arrival, free[server]), need)
    free[server] = done
    return done
  }

  /// The end of the stall that `now` lies in.
  func stallEnd(at now: Int64) -> Int64? {
    for stall in stalls where now >= stall.begin && now < stall.end { return stall.end }
    return nil
  }

  private mutating func begin(at arrival: Int64) {
    origin = arrival
    for stall in stallOffsets {
      let begin = arrival + stall.offset
      if let last = stalls.last, begin <= last.end {
        stalls[stalls.count - 1].end = max(last.end, begin + stall.length)
      } else {
        stalls.append((begin, begin + stall.length))
      }
    }
  }

  private func finish(_ start: Int64, _ need: Int64) -> Int64 {
    var (time, left) = (start, need)
    for stall in stalls {
      // What would finish at the very begin is not finished: nothing is answered in a stall.
      if time + left < stall.begin { break }
      if time >= stall.end { continue }
      left -= max(0, stall.begin - time)
      time = stall.end
    }
    return time + left
  }
}
