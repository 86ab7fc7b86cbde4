// Metrics of OTLP/JSON.

extension JSONReader {
  mutating func metric() throws(OTLPError) -> TelemetryMetric? {
    var metric = TelemetryMetric(name: "", data: .none)
    try beginObject()
    while let key = try nextKey() {
      if key == "name" {
        metric.name = try string()
      } else if key == "description" {
        metric.description = try string()
      } else if key == "unit" {
        metric.unit = try string()
      } else if key == "metadata" {
        _ = try attributes(into: &metric.metadata)
      } else if key == "gauge" {
        metric.data = .gauge(try points { json throws(OTLPError) in try json.numberPoint() }.points)
      } else if key == "sum" {
        let found = try points { json throws(OTLPError) in try json.numberPoint() }
        metric.data = .sum(found.points, found.temporality, isMonotonic: found.isMonotonic)
      } else if key == "histogram" {
        let found = try points { json throws(OTLPError) in try json.histogramPoint() }
        metric.data = .histogram(found.points, found.temporality)
      } else if key == "exponentialHistogram" {
        let found = try points { json throws(OTLPError) in try json.exponentialPoint() }
        metric.data = .exponentialHistogram(found.points, found.temporality)
      } else if key == "summary" {
        metric.data = .summary(try points { json throws(OTLPError) in try json.summaryPoint() }.points)
      } else {
        try skip()
      }
    }
    context.report.accepted += metric.data.pointCount
    return metric
  }

  private mutating func points<Point>(
    _ point: (inout JSONReader) throws(OTLPError) -> Point?
  ) throws(OTLPError) -> (points: [Point], temporality: Temporality, isMonotonic: Bool) {
    var points: [Point] = []
    var temporality = Temporality.unspecified
    var isMonotonic = false
    try fields { json, key throws(OTLPError) in
      if key == "dataPoints" {
        try json.list { json throws(OTLPError) in
          try json.context.take()
          if let one = try point(&json) { points.append(one) } else { json.context.report.rejectedPoints += 1 }
        }
      } else if key == "aggregationTemporality" {
        temporality = Temporality(rawValue: UInt8(clamping: try json.integer(Int32.self))) ?? .unspecified
      } else if key == "isMonotonic" {
        isMonotonic = try json.bool()
      } else {
        try json.skip()
      }
    }
    return (points, temporality, isMonotonic)
  }

  private mutating func numberPoint() throws(OTLPError) -> NumberPoint? {
    var point = NumberPoint(unixNano: 0, value: nil)
    try fields { json, key throws(OTLPError) in
      if key == "attributes" {
        _ = try json.attributes(into: &point.attributes)
      } else if key == "startTimeUnixNano" {
        point.startUnixNano = try json.integer()
      } else if key == "timeUnixNano" {
        point.unixNano = try json.integer()
      } else if key == "asDouble" {
        point.value = try json.null() ? nil : .double(try json.double())
      } else if key == "asInt" {
        point.value = try json.null() ? nil : .int(try json.integer())
      } else if key == "exemplars" {
        try json.exemplars(into: &point.exemplars)
      } else if key == "flags" {
        point.flags = try json.integer()
      } else {
        try json.skip()
      }
    }
    return point
  }

  private mutating func histogramPoint() throws(OTLPError) -> HistogramPoint? {
    var point = HistogramPoint()
    try fields { json, key throws(OTLPError) in
      if key == "attributes" {
        _ = try json.attributes(into: &point.attributes)
      } else if key == "startTimeUnixNano" {
        point.startUnixNano = try json.integer()
      } else if key == "timeUnixNano" {
        point.unixNano = try json.integer()
      } else if key == "count" {
        point.count = try json.integer()
      } else if key == "sum" {
        point.sum = try json.optionalDouble()
      } else if key == "min" {
        point.min = try json.optionalDouble()
      } else if key == "max" {
        point.max = try json.optionalDouble()
      } else if key == "bucketCounts" {
        try json.list { json throws(OTLPError) in
          try json.context.take()
          point.bucketCounts.append(try json.integer())
        }
      } else if key == "explicitBounds" {
        try json.list { json throws(OTLPError) in
          try json.context.take()
          point.bounds.append(try json.double())
        }
      } else if key == "exemplars" {
        try json.exemplars(into: &point.exemplars)
      } else if key == "flags" {
        point.flags = try json.integer()
      } else {
        try json.skip()
      }
    }
    return point.isConsistent(bucketsMax: context.limits.bucketsMax) ? point : nil
  }

  private mutating func exponentialPoint() throws(OTLPError) -> ExponentialHistogramPoint? {
    var point = ExponentialHistogramPoint()
    try fields { json, key throws(OTLPError) in
      if key == "attributes" {
        _ = try json.attributes(into: &point.attributes)
      } else if key == "startTimeUnixNano" {
        point.startUnixNano = try json.integer()
      } else if key == "timeUnixNano" {
        point.unixNano = try json.integer()
      } else if key == "count" {
        point.count = try json.integer()
      } else if key == "sum" {
        point.sum = try json.optionalDouble()
      } else if key == "min" {
        point.min = try json.optionalDouble()
      } else if key == "max" {
        point.max = try json.optionalDouble()
      } else if key == "scale" {
        point.scale = try json.integer()
      } else if key == "zeroCount" {
        point.zeroCount = try json.integer()
      } else if key == "zeroThreshold" {
        point.zeroThreshold = try json.double()
      } else if key == "positive" {
        point.positive = try json.buckets()
      } else if key == "negative" {
        point.negative = try json.buckets()
      } else if key == "exemplars" {
        try json.exemplars(into: &point.exemplars)
      } else if key == "flags" {
        point.flags = try json.integer()
      } else {
        try json.skip()
      }
    }
    return point.isConsistent(bucketsMax: context.limits.bucketsMax) ? point : nil
  }

  private mutating func buckets() throws(OTLPError) -> ExponentialBuckets {
    var buckets = ExponentialBuckets()
    try fields { json, key throws(OTLPError) in
      if key == "offset" {
        buckets.offset = try json.integer()
      } else if key == "bucketCounts" {
        try json.list { json throws(OTLPError) in
          try json.context.take()
          buckets.counts.append(try json.integer())
        }
      } else {
        try json.skip()
      }
    }
    return buckets
  }

  private mutating func summaryPoint() throws(OTLPError) -> SummaryPoint? {
    var point = SummaryPoint()
    try fields { json, key throws(OTLPError) in
      if key == "attributes" {
        _ = try json.attributes(into: &point.attributes)
      } else if key == "startTimeUnixNano" {
        point.startUnixNano = try json.integer()
      } else if key == "timeUnixNano" {
        point.unixNano = try json.integer()
      } else if key == "count" {
        point.count = try json.integer()
      } else if key == "sum" {
        point.sum = try json.double()
      } else if key == "quantileValues" {
        try json.list { json throws(OTLPError) in
          try json.context.take()
          point.quantiles.append(try json.quantile())
        }
      } else if key == "flags" {
        point.flags = try json.integer()
      } else {
        try json.skip()
      }
    }
    return point
  }

  private mutating func quantile() throws(OTLPError) -> SummaryPoint.Quantile {
    var found = SummaryPoint.Quantile(quantile: 0, value: 0)
    try fields { json, key throws(OTLPError) in
      if key == "quantile" {
        found.quantile = try json.double()
      } else if key == "value" {
        found.value = try json.double()
      } else {
        try json.skip()
      }
    }
    return found
  }

  private mutating func exemplars(into found: inout [Exemplar]) throws(OTLPError) {
    if try null() { return }
    try beginArray()
    while try nextElement() {
      try context.take()
      var exemplar = Exemplar(unixNano: 0, value: nil)
      var idsAreWrong = false
      try beginObject()
      while let key = try nextKey() {
        if key == "filteredAttributes" {
          _ = try attributes(into: &exemplar.filteredAttributes)
        } else if key == "timeUnixNano" {
          exemplar.unixNano = try integer()
        } else if key == "asDouble" {
          exemplar.value = try null() ? nil : .double(try double())
        } else if key == "asInt" {
          exemplar.value = try null() ? nil : .int(try integer())
        } else if key == "spanId" {
          if let id = try spanID() { exemplar.spanID = id } else { idsAreWrong = true }
        } else if key == "traceId" {
          if let id = try traceID() { exemplar.traceID = id } else { idsAreWrong = true }
        } else {
          try skip()
        }
      }
      if idsAreWrong { context.report.droppedExemplars += 1 } else { found.append(exemplar) }
    }
  }

  private mutating func optionalDouble() throws(OTLPError) -> Double? { try null() ? nil : try double() }
}
