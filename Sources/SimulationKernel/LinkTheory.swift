// Closed forms of a transfer by TCP or QUIC. Times in one unit, rates in its inverse.

/// √(3/2): losses at equal distances, every packet acknowledged (Mathis, Semke, Mahdavi and Ott 1997).
public let mathisPeriodic = 1.224744871391589

/// The same for independent losses. Between losses W² grows by 2 a packet, a loss halves W; so W²p/2 just before a loss is
/// Y = Σ E_i/4^i with exponential E_i, whose moments are known, and the constant is √2/E[√Y], where
/// E[√Y] = Γ(3/2)·∏ (1 − 4^−(k+½))/(1 − 4^−k) (Ott, Kemperman and Mathis 1996).
public let mathisRandom: Double = {
  var mean = 0.886226925452758
  var power = 0.25
  while power > 1e-18 {
    mean *= (1 - power / 2) / (1 - power)
    power /= 4
  }
  return 2.0.squareRoot() / mean
}()

/// Bytes a unit of time of a transfer that losses limit, not the path: C·MSS/(RTT·√p). It knows no timeouts, no limit of the window, and
/// not the round trip in which a loss is repaired and the window stands still. Over the simulated rate it is, for random losses, 0.98 at
/// 0.1 % and 1.09 at 1 %; for periodic ones 1.02 at 0.1 %, 1.07 at 0.3 % and 1.15 at 1 %.
public func mathisRate(constant: Double, mss: Double, rtt: Double, loss: Double) -> Double { constant * mss / (rtt * loss.squareRoot()) }

/// Slow start over a path that loses nothing, with packets of one length (after Kurose and Ross, Computer Networking, 3.7, for an initial
/// window of any size).
public struct LossFreePath: Hashable, Sendable {
  public var rtt: Double
  /// That the narrowest link takes for a packet.
  public var packetTime: Double
  public var initialWindow: Int
  public init(rtt: Double, packetTime: Double, initialWindow: Int) {
    self.rtt = rtt; self.packetTime = packetTime; self.initialWindow = initialWindow
  }

  /// ⌈log₂(n/w + 1)⌉: flights of w, 2w, 4w … packets.
  public func rounds(packets n: Int) -> Int {
    var (rounds, sent, flight) = (0, 0, initialWindow)
    while sent < n { (rounds, sent, flight) = (rounds + 1, sent + flight, flight * 2) }
    return rounds
  }

  /// From the first packet's start until the n-th is through the narrowest link: its serialisation, and after each flight that
  /// does not fill the path the pause until its first acknowledgement is back.
  public func end(ofPacket n: Int) -> Double {
    var pauses = 0.0
    var flight = Double(initialWindow)
    for _ in 1..<max(1, rounds(packets: n)) {
      pauses += max(0, packetTime + rtt - flight * packetTime)
      flight *= 2
    }
    return Double(n) * packetTime + pauses
  }
}

/// Mean time that a lone packet spends in timers: with each try lost with probability `loss`, Σ pᵏ·min(most, first·2ᵏ⁻¹).
public func repeatedTimeouts(loss: Double, first: Double, most: Double) -> Double {
  var (sum, weight, timer) = (0.0, loss, min(first, most))
  while weight > 1e-18 {
    sum += weight * timer
    (weight, timer) = (weight * loss, min(most, timer * 2))
  }
  return sum
}
