// The engine: takes the next event, gives it to the model, again. Generic over the model and specialised for it, so that the
// loop has no existential, no reference count and no allocation in it: 4 ns an event beside what the model does itself.

/// A model as a state machine: what happens at an event, and which events follow from it.
protocol EventMachine: ~Copyable {
  /// Announces the first events.
  mutating func start(_ agenda: inout Agenda)
  mutating func handle(_ event: Event, _ agenda: inout Agenda)
}

/// How a run is bounded.
struct RunLimits {
  /// Simulated seconds.
  var horizon = Double.infinity
  /// The order of simultaneous events is counted in 32 bits; at 30 million events a second this takes two minutes.
  var events = 4_000_000_000
}

/// How far a run came.
struct RunEnd {
  var events: Int
  /// Seconds.
  var time: Double
}

/// Runs until the model stops the agenda, nothing is left to happen, or the horizon is reached.
///
/// - Returns: how many events there were, and the time of the last.
/// - Throws: `SimulationError` when more would have to be kept than memory is meant for, when the model never ends, and when
///   `cancelled` (asked every million events).
func run<Machine: EventMachine & ~Copyable>(
  _ machine: inout Machine, _ limits: RunLimits = RunLimits(), cancelled: () -> Bool
) throws(SimulationError) -> RunEnd {
  var agenda = Agenda()
  machine.start(&agenda)
  var count = 0
  let slice = 1 << 20
  while count < limits.events {
    // Counted in slices, so that the loop itself asks nothing but the agenda.
    let end = min(count + slice, limits.events)
    while count < end {
      let time = agenda.nextTime
      // Infinite also when nothing is left.
      guard time <= limits.horizon, time < .infinity else { return RunEnd(events: count, time: agenda.now) }
      machine.handle(agenda.next(), &agenda)
      count &+= 1
      if agenda.isStopped {
        if let overflow = agenda.overflow {
          throw SimulationError(
            cause: "after \(shown(agenda.now)) simulated seconds \(overflow)", remedy: "shorten `horizon:`, or lower the load")
        }
        return RunEnd(events: count, time: agenda.now)
      }
    }
    if cancelled() { throw SimulationError(cause: "the simulation was interrupted") }
  }
  throw SimulationError(
    cause: "no end after \(limits.events) events, at \(shown(agenda.now)) simulated seconds", remedy: "give fewer `customers`, or a shorter `horizon:`")
}

/// A number of messages: four digits.
func shown(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
  var scale = 1.0
  var size = abs(value)
  while size < 1000, scale < 1e12 { (size, scale) = (size * 10, scale * 10) }
  return "\((value * scale).rounded() / scale)"
}
