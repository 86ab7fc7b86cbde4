// One connection: what its sender knows (window, timer, what is on its way) and what its receiver has. Hot.
//
// Packets are never reordered, so a sender that keeps survivors and losses apart in order of sending needs no search: an
// acknowledgement is of the first survivor, and losses that were sent three or more before it are now known (RFC 6675, RFC 9002).

/// A packet on its way.
private struct Sent: BitwiseCopyable {
  /// Of this sending, not of what is in it.
  var number: UInt32
  var segment: UInt32
  var time: Double
}

struct LinkFlow: ~Copyable {
  private let model: LinkModel
  private let objects: Int
  private let pieces: Int
  // The sender.
  private var flying = Line<Sent>()
  private var missing = Line<Sent>()
  /// Segments that are known to be lost and not yet sent again.
  private var again = Line<UInt32>()
  private var asked = 0
  private var askedTimes: Slots<Double>
  private var nextSegment = 0
  private var nextNumber: UInt32 = 0
  private var window = 0.0
  private var threshold = 0.0
  /// Losses among packets before this one are of a congestion that has been answered.
  private var answered: UInt32 = 0
  /// The first repetition goes out at once, whatever the window is.
  private var isOneFree = false
  private var cubic = CubicGrowth()
  private var smoothed = 0.0
  private var variation = 0.0
  private var deadline = 0.0
  private var backoff = 0
  private var isTimerSet = false
  private var hasSample = false
  // The receiver.
  private var here: Slots<UInt32>
  private var left: Slots<Int32>
  private var page: UInt32 = 0
  /// Segments before this one have all come.
  private var inOrder = 0

  init(_ model: LinkModel, objects: Int) {
    (self.model, self.objects, pieces) = (model, objects, model.pieces)
    askedTimes = Slots(objects, 0)
    here = Slots(model.isQUIC ? 0 : objects * model.pieces, 0)
    left = Slots(model.isQUIC ? objects : 0, 0)
  }

  /// A new connection.
  mutating func clear() {
    flying.removeAll()
    missing.removeAll()
    again.removeAll()
    (asked, nextSegment, nextNumber, answered, isOneFree) = (0, 0, 0, 0, false)
    (window, threshold) = (Double(model.initialWindow), .infinity)
    // The handshake was the first sample.
    hasSample = model.handshake > 0
    (smoothed, variation) = (model.rtt, model.rtt / 2)
    (deadline, backoff, isTimerSet, inOrder) = (0, 0, false, 0)
    page &+= 1
    cubic = CubicGrowth()
    for i in 0..<left.count { left[i] = Int32(pieces) }
  }

  private var inFlight: Int { flying.count &+ missing.count }

  private var timeout: Double {
    let base = hasSample ? max(model.timeoutLeast, smoothed + 4 * variation) : 1
    return min(LinkModel.timeoutMost, base * Double(1 << min(backoff, 20)))
  }

  // MARK: Sending

  /// The client's request is here: for one object, or for all at once.
  mutating func ask(at time: Double) {
    guard model.rate != nil || model.order == .request else { return asked = objects * pieces }
    guard asked < objects * pieces else { return }
    askedTimes[asked / pieces] = time
    asked += pieces
  }

  func askedAt(_ object: Int) -> Double { askedTimes[object] }

  /// What may be sent now.
  @inline(__always) mutating func next() -> (segment: UInt32, bytes: Double, isRepeated: Bool)? {
    guard Double(inFlight) + 1 <= window || isOneFree else { return nil }
    isOneFree = false
    if let lost = again.popFirst() { return (lost, bytes(lost), true) }
    guard nextSegment < asked else { return nil }
    nextSegment &+= 1
    let segment = UInt32(truncatingIfNeeded: nextSegment &- 1)
    return (segment, bytes(segment), false)
  }

  /// - Returns: false when there is no room to remember it.
  @inline(__always) mutating func sent(_ segment: UInt32, isLost: Bool, at now: Double) -> Bool {
    if inFlight == 0 { deadline = now + timeout }
    let packet = Sent(number: nextNumber, segment: segment, time: now)
    nextNumber &+= 1
    return isLost ? missing.append(packet) : flying.append(packet)
  }

  /// When the timer is to be looked at next; nil: it is set, or there is nothing to wait for.
  @inline(__always) mutating func timerToSet() -> Double? {
    guard !isTimerSet, inFlight > 0 else { return nil }
    isTimerSet = true
    return deadline
  }

  // MARK: Hearing

  /// - Returns: the segment that came.
  @inline(__always) mutating func acknowledged(at now: Double) -> UInt32 {
    let before = Double(inFlight)
    guard let packet = flying.popFirst() else { preconditionFailure("an acknowledgement of nothing") }
    sample(now - packet.time)
    var isNewCongestion = false
    while let lost = missing.first, lost.number &+ 3 <= packet.number {
      _ = missing.popFirst()
      _ = again.append(lost.segment)
      if lost.number >= answered { isNewCongestion = true }
    }
    if isNewCongestion {
      threshold = max(2, model.isCubic ? cubic.reduced(window) : window / 2)
      window = threshold
      answered = nextNumber
      isOneFree = true
    } else if packet.number >= answered {
      grow(before, now)
    }
    backoff = 0
    deadline = now + timeout
    return packet.segment
  }

  /// A window that is not used does not grow (RFC 9002, 7.8).
  @inline(__always) private mutating func grow(_ used: Double, _ now: Double) {
    if window < threshold {
      if 2 * used >= window { window += 1 }
    } else if used + 1 > window {
      window = model.isCubic ? cubic.grown(window, at: now, rtt: smoothed) : window + 1 / window
    }
  }

  @inline(__always) private mutating func sample(_ time: Double) {
    if hasSample {
      variation += (abs(smoothed - time) - variation) / 4
      smoothed += (time - smoothed) / 8
    } else {
      (smoothed, variation, hasSample) = (time, time / 2, true)
    }
  }

  /// The timer was looked at. One that ends while something is still coming is taken back (F-RTO, RFC 5682): only what is lost is repeated.
  mutating func timer(at now: Double) {
    isTimerSet = false
    guard inFlight > 0, now >= deadline else { return }
    guard flying.count == 0 else {
      backoff += 1
      deadline = now + timeout
      return
    }
    while let lost = missing.popFirst() { _ = again.append(lost.segment) }
    if backoff == 0 { threshold = max(2, model.isCubic ? cubic.reduced(window) : window / 2) }
    window = 1
    answered = nextNumber
    backoff += 1
  }

  // MARK: The receiver

  private func bytes(_ segment: UInt32) -> Double { Double(isLast(Int(segment)) ? model.lastBytes : model.mss) }

  private func isLast(_ segment: Int) -> Bool { model.order == .fair ? segment >= objects * (pieces - 1) : (segment + 1) % pieces == 0 }

  /// - Returns: the objects that the client now has whole and had not before; they are neighbours.
  @inline(__always) mutating func arrived(_ segment: UInt32) -> Range<Int> {
    let segment = Int(segment)
    if model.isQUIC {
      let object = objectOf(segment)
      left[object] -= 1
      return left[object] == 0 ? object..<object + 1 : object..<object
    }
    here[segment] = page
    var ended = 0..<0
    while inOrder < here.count, here[inOrder] == page {
      if isLast(inOrder) { ended = (ended.isEmpty ? objectOf(inOrder) : ended.lowerBound)..<objectOf(inOrder) + 1 }
      inOrder += 1
    }
    return ended
  }

  private func objectOf(_ segment: Int) -> Int { model.order == .fair ? segment % objects : segment / pieces }
}

/// How a window grows by CUBIC (RFC 9438): a cubic of the time since the loss, and never slower than Reno would.
struct CubicGrowth {
  private static let (scale, kept) = (0.4, 0.7)
  private var most = 0.0
  private var epoch = -1.0
  private var middle = 0.0
  private var friendly = 0.0

  /// - Returns: the window after a loss.
  mutating func reduced(_ window: Double) -> Double {
    // Who has less than before gives way to newcomers.
    most = window < most ? window * (1 + Self.kept) / 2 : window
    epoch = -1
    return window * Self.kept
  }

  mutating func grown(_ window: Double, at now: Double, rtt: Double) -> Double {
    if epoch < 0 {
      (epoch, friendly) = (now, window)
      if window >= most { most = window }
      middle = Portable.pow((most - window) / Self.scale, 1.0 / 3)
    }
    friendly += (friendly >= most ? 1 : 3 * (1 - Self.kept) / (1 + Self.kept)) / window
    let ahead = now - epoch + rtt - middle
    let target = min(1.5 * window, most + Self.scale * ahead * ahead * ahead)
    return max(friendly, target > window ? window + (target - window) / window : window)
  }
}
