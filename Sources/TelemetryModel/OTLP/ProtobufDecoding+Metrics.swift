// Metrics from SwiftProtobuf's messages into the model.

extension ProtobufConversion {
  mutating func metric(_ message: PB.Metric) -> TelemetryMetric {
    var unused: UInt32 = 0
    var metric = TelemetryMetric(name: message.name, description: message.description_p, unit: message.unit, data: .none)
    metric.metadata = attributes(message.metadata, &unused)
    metric.data =
      switch message.data {
      case nil: .none
      case .gauge(let gauge): .gauge(gauge.dataPoints.map { numberPoint($0) })
      case .sum(let sum): .sum(sum.dataPoints.map { numberPoint($0) }, temporality(sum.aggregationTemporality), isMonotonic: sum.isMonotonic)
      case .histogram(let histogram):
        .histogram(kept(histogram.dataPoints.map { histogramPoint($0) }), temporality(histogram.aggregationTemporality))
      case .exponentialHistogram(let histogram):
        .exponentialHistogram(kept(histogram.dataPoints.map { exponentialPoint($0) }), temporality(histogram.aggregationTemporality))
      case .summary(let summary): .summary(summary.dataPoints.map { summaryPoint($0) })
      }
    context.report.accepted += metric.data.pointCount
    return metric
  }

  private func temporality(_ message: PB.Temporality) -> Temporality {
    Temporality(rawValue: UInt8(clamping: message.rawValue)) ?? .unspecified
  }

  private mutating func kept<Point>(_ points: [Point?]) -> [Point] {
    let kept = points.compactMap(\.self)
    context.report.rejectedPoints += points.count - kept.count
    return kept
  }

  private mutating func numberPoint(_ message: PB.NumberPoint) -> NumberPoint {
    var unused: UInt32 = 0
    let value: MetricNumber? =
      switch message.value {
      case .asInt(let number): .int(number)
      case .asDouble(let number): .double(number)
      case nil: nil
      }
    return NumberPoint(
      attributes: attributes(message.attributes, &unused), startUnixNano: message.startTimeUnixNano, unixNano: message.timeUnixNano,
      value: value, exemplars: exemplars(message.exemplars), flags: message.flags)
  }

  private mutating func histogramPoint(_ message: PB.HistogramPoint) -> HistogramPoint? {
    var unused: UInt32 = 0
    var point = HistogramPoint()
    point.attributes = attributes(message.attributes, &unused)
    point.startUnixNano = message.startTimeUnixNano
    point.unixNano = message.timeUnixNano
    point.count = message.count
    point.sum = message.hasSum ? message.sum : nil
    point.min = message.hasMin ? message.min : nil
    point.max = message.hasMax ? message.max : nil
    point.bucketCounts = message.bucketCounts
    point.bounds = message.explicitBounds
    point.exemplars = exemplars(message.exemplars)
    point.flags = message.flags
    return point.isConsistent(bucketsMax: context.limits.bucketsMax) ? point : nil
  }

  private mutating func exponentialPoint(_ message: PB.ExponentialPoint) -> ExponentialHistogramPoint? {
    var unused: UInt32 = 0
    var point = ExponentialHistogramPoint()
    point.attributes = attributes(message.attributes, &unused)
    point.startUnixNano = message.startTimeUnixNano
    point.unixNano = message.timeUnixNano
    point.count = message.count
    point.sum = message.hasSum ? message.sum : nil
    point.min = message.hasMin ? message.min : nil
    point.max = message.hasMax ? message.max : nil
    point.scale = message.scale
    point.zeroCount = message.zeroCount
    point.zeroThreshold = message.zeroThreshold
    point.positive = ExponentialBuckets(offset: message.positive.offset, counts: message.positive.bucketCounts)
    point.negative = ExponentialBuckets(offset: message.negative.offset, counts: message.negative.bucketCounts)
    point.exemplars = exemplars(message.exemplars)
    point.flags = message.flags
    return point.isConsistent(bucketsMax: context.limits.bucketsMax) ? point : nil
  }

  private mutating func summaryPoint(_ message: PB.SummaryPoint) -> SummaryPoint {
    var unused: UInt32 = 0
    var point = SummaryPoint()
    point.attributes = attributes(message.attributes, &unused)
    point.startUnixNano = message.startTimeUnixNano
    point.unixNano = message.timeUnixNano
    point.count = message.count
    point.sum = message.sum
    point.quantiles = message.quantileValues.map { SummaryPoint.Quantile(quantile: $0.quantile, value: $0.value) }
    point.flags = message.flags
    return point
  }

  private mutating func exemplars(_ messages: [PB.Exemplar]) -> [Exemplar] {
    messages.compactMap { message in
      guard let trace = traceID(message.traceID), let span = spanID(message.spanID) else {
        context.report.droppedExemplars += 1
        return nil
      }
      var unused: UInt32 = 0
      let value: MetricNumber? =
        switch message.value {
        case .asInt(let number): .int(number)
        case .asDouble(let number): .double(number)
        case nil: nil
        }
      return Exemplar(
        filteredAttributes: attributes(message.filteredAttributes, &unused), unixNano: message.timeUnixNano, value: value, traceID: trace,
        spanID: span)
    }
  }
}
