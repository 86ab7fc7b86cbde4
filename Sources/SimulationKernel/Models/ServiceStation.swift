// Servers with a line before them, of models that have several: the line runs through those who wait, so that it takes no memory of its own.

/// Who can wait in a `ServiceStation`.
protocol InLine: BitwiseCopyable {
  /// Who is behind it in the line.
  var next: UInt32 { get set }
}

struct ServiceStation: BitwiseCopyable {
  private(set) var busy = 0
  private(set) var waiting = 0
  private var first: UInt32 = 0
  private var last: UInt32 = 0
  /// ∫ busy servers dt up to `since`.
  var busyArea = 0.0
  private var since = 0.0

  /// So many servers more work from now on.
  @inline(__always) mutating func work(_ change: Int, _ now: Double) {
    busyArea += Double(busy) * (now - since)
    since = now
    busy &+= change
  }

  @inline(__always) mutating func append<Waiter: InLine>(_ slot: UInt32, _ all: inout Pool<Waiter>) {
    if waiting > 0 { all[last].next = slot } else { first = slot }
    last = slot
    waiting &+= 1
  }

  @inline(__always) mutating func popFirst<Waiter: InLine>(_ all: borrowing Pool<Waiter>) -> UInt32? {
    guard waiting > 0 else { return nil }
    let slot = first
    first = all[slot].next
    waiting &-= 1
    return slot
  }
}
