// Records add up in two ways: slices of one arm follow each other, loops of one run lie side by side.

import ExperimentModel
import Statistics

extension LoadRecord {
  /// Adds another slice of the same arm and judges the whole.
  public mutating func merge(_ other: LoadRecord) {
    let total = elapsed.seconds + other.elapsed.seconds
    if total > 0 {
      let mine = elapsed.seconds / total
      let theirs = other.elapsed.seconds / total
      inFlightMean = inFlightMean * mine + other.inFlightMean * theirs
      inFlightCounted = inFlightCounted * mine + other.inFlightCounted * theirs
      inFlightExplained = inFlightExplained * mine + other.inFlightExplained * theirs
      generatorCPUShare = generatorCPUShare * mine + other.generatorCPUShare * theirs
      achievedRate = achievedRate * mine + other.achievedRate * theirs
      if let a = plannedRate, let b = other.plannedRate { plannedRate = a * mine + b * theirs }
      if let a = generatorWorkShare, let b = other.generatorWorkShare { generatorWorkShare = a * mine + b * theirs }
    }
    add(other)
    // Rows count from their own slice's start.
    raw = nil
    windows += other.windows.map { window in
      var moved = window
      moved.start = moved.start + elapsed
      return moved
    }
    batches += other.batches
    parts = []
    arrivals = []
    elapsed = elapsed + other.elapsed
    connections = max(connections, other.connections)
    judge()
  }

  /// Adds another loop of the same run; the caller judges when all are in.
  mutating func addLoop(_ other: LoadRecord) {
    add(other)
    achievedRate += other.achievedRate
    inFlightMean += other.inFlightMean
    inFlightCounted += other.inFlightCounted
    inFlightExplained += other.inFlightExplained
    generatorCPUShare += other.generatorCPUShare
    // The busiest loop is the one that may have been too slow.
    if let theirs = other.generatorWorkShare { generatorWorkShare = max(generatorWorkShare ?? 0, theirs) }
    connections += other.connections
    if let theirs = other.raw { raw == nil ? raw = theirs : raw?.add(theirs) }
    elapsed = max(elapsed, other.elapsed)
    for (i, part) in other.parts.enumerated() {
      if i < parts.count { parts[i].add(part) } else { parts.append(part) }
    }
    for (i, window) in other.windows.enumerated() {
      guard i < windows.count else {
        windows.append(window)
        continue
      }
      windows[i].add(window)
    }
    for (i, batch) in other.batches.enumerated() {
      if i < batches.count { batches[i].add(batch) } else { batches.append(batch) }
    }
  }

  private mutating func add(_ other: LoadRecord) {
    response.merge(other.response)
    service.merge(other.service)
    sendLag.merge(other.sendLag)
    sent += other.sent
    completed += other.completed
    failed += other.failed
    checked += other.checked
    passed += other.passed
    errors.merge(other.errors, uniquingKeysWith: +)
    examples.merge(other.examples) { mine, _ in mine }
    statuses.merge(other.statuses, uniquingKeysWith: +)
    hits += other.hits
    misses += other.misses
    bytesIn += other.bytesIn
    bytesOut += other.bytesOut
    connectionsOpened += other.connectionsOpened
    connectionsFailed += other.connectionsFailed
    connectErrors.merge(other.connectErrors, uniquingKeysWith: +)
    unasked += other.unasked
    unaskedExample = unaskedExample ?? other.unaskedExample
    planned += other.planned
    begun += other.begun
    unsent += other.unsent
    waited += other.waited
    clockSteps += other.clockSteps
    stamped += other.stamped
    func sum<Counts>(_ mine: Counts?, _ theirs: Counts?, _ add: (Counts, Counts) -> Counts) -> Counts? {
      if let mine, let theirs { add(mine, theirs) } else { nil }
    }
    systemCalls = sum(systemCalls, other.systemCalls, +)
    systemCallsBefore = sum(systemCallsBefore, other.systemCallsBefore, +)
    tcp = sum(tcp, other.tcp, +)
    isPartial = isPartial || other.isPartial
    aborted = aborted ?? other.aborted
    stopped = stopped ?? other.stopped
    for record in other.named {
      guard let i = named.firstIndex(where: { $0.name == record.name }) else {
        named.append(record)
        continue
      }
      named[i].completed += record.completed
      named[i].failed += record.failed
      named[i].checked += record.checked
      named[i].passed += record.passed
      named[i].response.merge(record.response)
    }
  }
}

extension LoadWindow {
  /// Two windows as one. The quantiles have no exact sum: the median becomes the weighted mean, p99 the larger.
  mutating func add(_ other: LoadWindow) {
    let total = Double(completed + other.completed)
    if total > 0 {
      let mine = Double(completed) / total
      mean = mean * mine + other.mean * (1 - mine)
      p50 = Nanoseconds(Int64(Double(p50.rawValue) * mine + Double(other.p50.rawValue) * (1 - mine)))
      p99 = max(p99, other.p99)
    }
    completed += other.completed
    failed += other.failed
    hits += other.hits
    misses += other.misses
  }
}
