// Metrics as SwiftProtobuf's messages.

extension ProtobufEncoding {
  static func metric(_ metric: TelemetryMetric) -> PB.Metric {
    var out = PB.Metric()
    out.name = metric.name
    out.description_p = metric.description
    out.unit = metric.unit
    out.metadata = attributes(metric.metadata)
    switch metric.data {
    case .none: break
    case .gauge(let points): out.gauge.dataPoints = points.map(numberPoint)
    case .sum(let points, let temporality, let isMonotonic):
      out.sum.dataPoints = points.map(numberPoint)
      out.sum.aggregationTemporality = self.temporality(temporality)
      out.sum.isMonotonic = isMonotonic
    case .histogram(let points, let temporality):
      out.histogram.dataPoints = points.map(histogramPoint)
      out.histogram.aggregationTemporality = self.temporality(temporality)
    case .exponentialHistogram(let points, let temporality):
      out.exponentialHistogram.dataPoints = points.map(exponentialPoint)
      out.exponentialHistogram.aggregationTemporality = self.temporality(temporality)
    case .summary(let points): out.summary.dataPoints = points.map(summaryPoint)
    }
    return out
  }

  private static func temporality(_ temporality: Temporality) -> PB.Temporality {
    PB.Temporality(rawValue: Int(temporality.rawValue)) ?? .unspecified
  }

  private static func numberPoint(_ point: NumberPoint) -> PB.NumberPoint {
    var out = PB.NumberPoint()
    out.attributes = attributes(point.attributes)
    out.startTimeUnixNano = point.startUnixNano
    out.timeUnixNano = point.unixNano
    switch point.value {
    case .int(let number): out.asInt = number
    case .double(let number): out.asDouble = number
    case nil: break
    }
    out.exemplars = point.exemplars.map(exemplar)
    out.flags = point.flags
    return out
  }

  private static func histogramPoint(_ point: HistogramPoint) -> PB.HistogramPoint {
    var out = PB.HistogramPoint()
    out.attributes = attributes(point.attributes)
    out.startTimeUnixNano = point.startUnixNano
    out.timeUnixNano = point.unixNano
    out.count = point.count
    if let sum = point.sum { out.sum = sum }
    if let min = point.min { out.min = min }
    if let max = point.max { out.max = max }
    out.bucketCounts = point.bucketCounts
    out.explicitBounds = point.bounds
    out.exemplars = point.exemplars.map(exemplar)
    out.flags = point.flags
    return out
  }

  private static func exponentialPoint(_ point: ExponentialHistogramPoint) -> PB.ExponentialPoint {
    var out = PB.ExponentialPoint()
    out.attributes = attributes(point.attributes)
    out.startTimeUnixNano = point.startUnixNano
    out.timeUnixNano = point.unixNano
    out.count = point.count
    if let sum = point.sum { out.sum = sum }
    if let min = point.min { out.min = min }
    if let max = point.max { out.max = max }
    out.scale = point.scale
    out.zeroCount = point.zeroCount
    out.zeroThreshold = point.zeroThreshold
    if point.positive != ExponentialBuckets() {
      out.positive.offset = point.positive.offset
      out.positive.bucketCounts = point.positive.counts
    }
    if point.negative != ExponentialBuckets() {
      out.negative.offset = point.negative.offset
      out.negative.bucketCounts = point.negative.counts
    }
    out.exemplars = point.exemplars.map(exemplar)
    out.flags = point.flags
    return out
  }

  private static func summaryPoint(_ point: SummaryPoint) -> PB.SummaryPoint {
    var out = PB.SummaryPoint()
    out.attributes = attributes(point.attributes)
    out.startTimeUnixNano = point.startUnixNano
    out.timeUnixNano = point.unixNano
    out.count = point.count
    out.sum = point.sum
    out.quantileValues = point.quantiles.map { quantile in
      var value = PB.SummaryPoint.ValueAtQuantile()
      value.quantile = quantile.quantile
      value.value = quantile.value
      return value
    }
    out.flags = point.flags
    return out
  }

  private static func exemplar(_ exemplar: Exemplar) -> PB.Exemplar {
    var out = PB.Exemplar()
    out.filteredAttributes = attributes(exemplar.filteredAttributes)
    out.timeUnixNano = exemplar.unixNano
    switch exemplar.value {
    case .int(let number): out.asInt = number
    case .double(let number): out.asDouble = number
    case nil: break
    }
    out.spanID = bytes(exemplar.spanID)
    out.traceID = bytes(exemplar.traceID)
    return out
  }
}
