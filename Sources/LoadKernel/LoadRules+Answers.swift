// What answers and failures bring: a journey's next step, a user's next iteration, a slot for an arrival that waits, a pause.

import ExperimentModel

extension LoadRules {
  /// The slot's request is answered.
  ///
  /// - Returns: what the same slot sends at once; nil: nothing now.
  mutating func answered(_ slot: Int, good: Bool, _ now: Int64) -> Order? {
    (turns + slot).pointee.failures = 0
    let turn = turns[slot]
    guard good, turn.step + 1 < scenario.entries[Int(turn.entry)].steps else { return iterationEnded(slot, notBefore: 0, now) }
    let pause = pause(scenario.thinks[Int(turn.template)])
    (turns + slot).pointee.step += 1
    (turns + slot).pointee.template += 1
    if !isOpen, now >= end { return nil }
    let at = self.turn(now + pause)
    if at > now {
      schedule(slot, at: at, .step)
      return nil
    }
    return order(slot, now, hasLag: false)
  }

  /// The slot's connection broke, with a request on it or without.
  mutating func broke(_ slot: Int) {
    if (turns + slot).pointee.failures < 255 { (turns + slot).pointee.failures += 1 }
  }

  /// The slot's request failed; `broke` has been told.
  mutating func failed(_ slot: Int, _ kind: ErrorKind, _ now: Int64) -> Order? {
    let pause = backOff(slot, kind)
    if pause > 0, kind.isConnect, isOpen || now + pause < end {
      (turns + slot).pointee.isCooling = true
      cooling += 1
    }
    let order = iterationEnded(slot, notBefore: pause > 0 ? now + pause : 0, now)
    // Without a next iteration there is nothing that would end the pause.
    if (turns + slot).pointee.isCooling, (turns + slot).pointee.wake == .none {
      (turns + slot).pointee.isCooling = false
      cooling -= 1
    }
    return order
  }

  /// 10 ms doubling to 1 s after a failed connect; after the third broken request in a row 1 ms doubling to 20 ms.
  private func backOff(_ slot: Int, _ kind: ErrorKind) -> Int64 {
    let failures = Int((turns + slot).pointee.failures)
    if kind.isConnect { return min(10_000_000 << Int64(min(max(0, failures - 1), 8)), 1_000_000_000) }
    guard failures > 3, kind != .timeout else { return 0 }
    return min(1_000_000 << Int64(min(failures - 4, 8)), 20_000_000)
  }

  /// - Parameter notBefore: the end of a pause after a failure; 0: none.
  private mutating func iterationEnded(_ slot: Int, notBefore: Int64, _ now: Int64) -> Order? {
    if isOpen {
      (turns + slot).pointee.left -= 1
      guard (turns + slot).pointee.left > 0, notBefore == 0 else {
        sessions -= 1
        guard notBefore > now else { return release(slot, now) }
        schedule(slot, at: notBefore, .cool)
        return nil
      }
      let pause = iterationPause()
      guard pause > 0 else { return iteration(slot, now, hasLag: false, waited: false) }
      schedule(slot, at: now + pause, .iteration)
      return nil
    }
    let at = turn(max(now + iterationPause(), notBefore))
    guard at > now else { return userIteration(slot, now, hasLag: false, now) }
    if at < end, iterationsLeft > 0 { schedule(slot, at: at, .iteration) }
    return nil
  }

  /// The slot is free: for the oldest arrival that waits, or for later.
  mutating func release(_ slot: Int, _ now: Int64) -> Order? {
    if free.isEmpty, let intended = nextIntended, intended <= now {
      take(now)
      return session(slot, intended, waited: true)
    }
    free.append(Int32(truncatingIfNeeded: slot))
    return nil
  }

  private mutating func pause(_ time: ThinkTime?) -> Int64 {
    guard let time else { return 0 }
    return time.draw(&think)
  }

  private mutating func iterationPause() -> Int64 {
    if let time = profile.think { return time.draw(&think) }
    return profile.thinkTime?.rawValue ?? 0
  }
}
