import TelemetryModel

/// One method and route of a service: the texts of its spans, and what is measured of it.
final class RouteLine {
  let method: String
  /// Empty: no route of the upstream's matches.
  let route: String
  let name: TelemetryText
  let methodText: TelemetryText
  let routeText: TelemetryText
  /// Beside what every request's span says.
  var texts: [(key: TelemetryText, value: TelemetryText)] = []
  /// Requests inside.
  var active = 0
  /// By status; a handful.
  private(set) var durations: [Durations] = []
  /// Of a worker: no requests.
  let isMessages: Bool
  private let parts: [Substring]

  /// Of one status: what was recorded since somebody asked, and the sums that the two kinds of readers are told.
  struct Durations {
    let status: Int
    var fresh = ExplicitHistogram()
    /// Since the last drain, and since the lab began.
    var undrained = ExplicitHistogram()
    var total = ExplicitHistogram()
    var exemplars = ExemplarReservoir(buckets: ExplicitHistogram.httpSeconds.count + 1)
    var hits: (hit: Int, miss: Int) = (0, 0)

    init(status: Int) { self.status = status }

    mutating func settle() {
      guard fresh.count > 0 else { return }
      undrained.merge(fresh)
      total.merge(fresh)
      fresh = ExplicitHistogram()
    }
  }

  /// - Parameter name: of a worker's route, which has no method.
  init(method: String, route: String, name: String? = nil, _ recording: SpanRecording?) {
    func text(_ text: String) -> TelemetryText { recording?.text(text) ?? .empty }
    self.method = method; self.route = route
    isMessages = name != nil
    self.name = text(name ?? (route.isEmpty ? method : method + " " + route))
    methodText = text(method)
    routeText = text(route)
    parts = route.split(separator: "/", omittingEmptySubsequences: true)
  }

  /// The path that was asked for.
  func path(_ variables: [String]) -> String {
    guard !variables.isEmpty else { return route }
    var next = 0
    return parts.reduce(into: "") { path, part in
      path += "/"
      if part.hasPrefix("{"), next < variables.count {
        path += variables[next]
        next += 1
      } else {
        path += part
      }
    }
  }

  func record(_ end: RequestEnd, at now: Int64, unix: UInt64, in span: ActiveSpan) {
    let index = durations.firstIndex { $0.status == end.status } ?? {
      durations.append(Durations(status: end.status))
      return durations.count - 1
    }()
    let seconds = Double(now - end.began) / 1e9
    durations[index].fresh.record(seconds)
    if span.isRecorded {
      durations[index].exemplars.offer(seconds, bucket: durations[index].fresh.bucket(seconds), at: unix, in: span.parent)
    }
    switch end.cache {
    case .none: break
    case .hit: durations[index].hits.hit += 1
    case .miss: durations[index].hits.miss += 1
    }
  }

  /// Brings the sums up to date.
  func settle() { for i in durations.indices { durations[i].settle() } }

  /// What nobody has drained yet, which begins anew.
  func drainDurations() -> [(status: Int, histogram: ExplicitHistogram, exemplars: [Exemplar])] {
    settle()
    return durations.indices.compactMap { i in
      let histogram = durations[i].undrained
      guard histogram.count > 0 else { return nil }
      durations[i].undrained = ExplicitHistogram()
      return (durations[i].status, histogram, durations[i].exemplars.collect())
    }
  }
}

/// How a request ended.
struct RequestEnd {
  enum Cache: String { case none, hit, miss }
  var status: Int
  /// Of the environment's clock.
  var began: Int64
  var cache = Cache.none
}
