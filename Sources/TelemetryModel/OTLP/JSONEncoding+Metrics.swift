// Metrics as OTLP/JSON.

extension JSONWriter {
  mutating func metric(_ metric: TelemetryMetric) {
    object { json in
      json.field("name", metric.name)
      json.field("description", metric.description)
      json.field("unit", metric.unit)
      switch metric.data {
      case .none: break
      case .gauge(let points): json.data("gauge", points, .unspecified) { json, point in json.numberPoint(point) }
      case .sum(let points, let temporality, let isMonotonic):
        json.data("sum", points, temporality, isMonotonic: isMonotonic) { json, point in json.numberPoint(point) }
      case .histogram(let points, let temporality): json.data("histogram", points, temporality) { json, point in json.histogramPoint(point) }
      case .exponentialHistogram(let points, let temporality):
        json.data("exponentialHistogram", points, temporality) { json, point in json.exponentialPoint(point) }
      case .summary(let points): json.data("summary", points, .unspecified) { json, point in json.summaryPoint(point) }
      }
      json.attributes("metadata", metric.metadata)
    }
  }

  private mutating func data<Point>(
    _ name: StaticString, _ points: [Point], _ temporality: Temporality, isMonotonic: Bool = false, _ write: (inout JSONWriter, Point) -> Void
  ) {
    key(name)
    object { json in
      json.list("dataPoints", points, write)
      json.field("aggregationTemporality", UInt32(temporality.rawValue))
      if isMonotonic {
        json.key("isMonotonic")
        json.bool(true)
      }
    }
  }

  private mutating func number(_ value: MetricNumber?) {
    switch value {
    case nil: break
    case .int(let number):
      key("asInt")
      quoted(number)
    case .double(let number):
      key("asDouble")
      double(number)
    }
  }

  private mutating func numberPoint(_ point: NumberPoint) {
    object { json in
      json.attributes("attributes", point.attributes)
      json.field("startTimeUnixNano", point.startUnixNano)
      json.field("timeUnixNano", point.unixNano)
      json.number(point.value)
      json.exemplars(point.exemplars)
      json.field("flags", point.flags)
    }
  }

  private mutating func histogramPoint(_ point: HistogramPoint) {
    object { json in
      json.attributes("attributes", point.attributes)
      json.field("startTimeUnixNano", point.startUnixNano)
      json.field("timeUnixNano", point.unixNano)
      json.field("count", point.count)
      json.field("sum", point.sum)
      json.list("bucketCounts", point.bucketCounts) { json, count in json.quoted(count) }
      json.list("explicitBounds", point.bounds) { json, bound in json.double(bound) }
      json.exemplars(point.exemplars)
      json.field("flags", point.flags)
      json.field("min", point.min)
      json.field("max", point.max)
    }
  }

  private mutating func exponentialPoint(_ point: ExponentialHistogramPoint) {
    object { json in
      json.attributes("attributes", point.attributes)
      json.field("startTimeUnixNano", point.startUnixNano)
      json.field("timeUnixNano", point.unixNano)
      json.field("count", point.count)
      json.field("sum", point.sum)
      json.signed("scale", point.scale)
      json.field("zeroCount", point.zeroCount)
      json.buckets("positive", point.positive)
      json.buckets("negative", point.negative)
      json.field("flags", point.flags)
      json.exemplars(point.exemplars)
      json.field("min", point.min)
      json.field("max", point.max)
      json.field("zeroThreshold", point.zeroThreshold == 0 ? nil : point.zeroThreshold)
    }
  }

  private mutating func signed(_ name: StaticString, _ value: Int32) {
    if value == 0 { return }
    key(name)
    integer(value)
  }

  private mutating func buckets(_ name: StaticString, _ buckets: ExponentialBuckets) {
    if buckets == ExponentialBuckets() { return }
    key(name)
    object { json in
      json.signed("offset", buckets.offset)
      json.list("bucketCounts", buckets.counts) { json, count in json.quoted(count) }
    }
  }

  private mutating func summaryPoint(_ point: SummaryPoint) {
    object { json in
      json.attributes("attributes", point.attributes)
      json.field("startTimeUnixNano", point.startUnixNano)
      json.field("timeUnixNano", point.unixNano)
      json.field("count", point.count)
      json.field("sum", point.sum)
      json.list("quantileValues", point.quantiles) { json, quantile in
        json.object { json in
          json.field("quantile", quantile.quantile)
          json.field("value", quantile.value)
        }
      }
      json.field("flags", point.flags)
    }
  }

  private mutating func exemplars(_ exemplars: [Exemplar]) {
    list("exemplars", exemplars) { json, exemplar in
      json.object { json in
        json.attributes("filteredAttributes", exemplar.filteredAttributes)
        json.field("timeUnixNano", exemplar.unixNano)
        json.number(exemplar.value)
        json.field("spanId", exemplar.spanID)
        json.field("traceId", exemplar.traceID)
      }
    }
  }
}
