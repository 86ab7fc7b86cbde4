import ExperimentModel
import NIOCore

/// Mutual exclusion between requests, first come, first served: a request is handed the lock, so nobody can overtake the one
/// whose turn it is. Lives on the lab's loop, and is held across everything that stages do elsewhere.
final class FairLock {
  private struct Waiting { var exchange: Exchange; var granted: () -> Void }
  private var holder: Exchange?
  private var waiting = CircularBuffer<Waiting>()

  var depth: Int { waiting.count }

  /// True when nobody holds it; else `granted` is called when it is this request's turn.
  func acquire(_ exchange: Exchange, granted: @escaping () -> Void) -> Bool {
    guard holder != nil else {
      holder = exchange
      return true
    }
    waiting.append(Waiting(exchange: exchange, granted: granted))
    return false
  }

  /// Hands it to the next one; nothing when the request does not hold it any more.
  func release(_ exchange: Exchange) {
    guard holder === exchange else { return }
    let next = waiting.popFirst()
    holder = next?.exchange
    next?.granted()
  }

  /// The process of a role is gone, and with it the requests that hold the lock or wait for it.
  func abandon(_ role: Role) {
    waiting = CircularBuffer(waiting.filter { $0.exchange.route.role !== role })
    if let holder, holder.route.role === role { release(holder) }
  }
}

/// A lock that a request holds, with what the stage counts when it is given back.
struct HeldLock {
  let stage: LockStage
  unowned let exchange: Exchange
  let since: Int64

  func release() { stage.released(exchange, since: since) }
}

/// Begins the inside of a lock; `UnlockStage` ends it. An answer on the way, a failure too, gives it back as well.
final class LockStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  let lock: FairLock
  private let environment: any Environment
  private var calls = 0
  private var contended = 0
  private var waited: Int64 = 0
  private var held: Int64 = 0
  private var waitingMost = 0

  init(name: String, lock: FairLock, environment: any Environment) {
    self.name = name; self.lock = lock; self.environment = environment
    probe = StageProbe(name, .real)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    calls += 1
    let arrived = environment.now
    let isFree = lock.acquire(exchange) { [self] in
      waited += environment.now - arrived
      exchange.locks.append(HeldLock(stage: self, exchange: exchange, since: environment.now))
      // From a timer and not from here: a queue of a thousand must not become a stack of a thousand.
      environment.at(environment.now) { exchange.route.role.resume(exchange) }
    }
    if isFree {
      exchange.locks.append(HeldLock(stage: self, exchange: exchange, since: arrived))
      return .next
    }
    contended += 1
    waitingMost = max(waitingMost, lock.depth)
    return .later
  }

  fileprivate func released(_ exchange: Exchange, since: Int64) {
    held += environment.now - since
    lock.release(exchange)
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "contended", contended)
    counters.add(name, "waited_ns", Int(waited))
    counters.add(name, "held_ns", Int(held))
    counters.peak(name, "waiting_peak", waitingMost)
  }

  func resetCounters() { calls = 0; contended = 0; waited = 0; held = 0; waitingMost = 0 }
}

/// Gives back the innermost lock. It passes where the lock was switched off after the request had come in, or before.
final class UnlockStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  init(name: String) {
    self.name = name
    probe = StageProbe(name, .real)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    if exchange.locks.last?.stage.name == name { exchange.locks.popLast()?.release() }
    return .next
  }

  func appendCounters(to counters: inout Counters) {}
  func resetCounters() {}
}
