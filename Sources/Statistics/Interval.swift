// The interval that every estimate carries, and the sample quantile it surrounds.
// This module is pure mathematics: values in, values out. It never reads a clock, a file or an
// unseeded random number, and needs no more of the C library than log, exp and lgamma.

/// A confidence interval in the unit of the samples.
public struct Interval: Hashable, Sendable {
  public var low: Double
  public var high: Double
  /// Nominal coverage, 0…1.
  public var confidence: Double

  public init(low: Double, high: Double, confidence: Double) {
    precondition(low <= high, "an interval runs upward")
    self.low = low
    self.high = high
    self.confidence = confidence
  }

  public func contains(_ value: Double) -> Bool { low <= value && value <= high }
  public var width: Double { high - low }

  /// Both bounds through an increasing function, such as `exp` for log-ratios.
  public func mapped(_ increasing: (Double) -> Double) -> Interval {
    Interval(low: increasing(low), high: increasing(high), confidence: confidence)
  }
}

/// The quantile `q` of ascending samples, interpolated linearly between order statistics
/// (Hyndman and Fan's type 7); the median for q = 0.5.
public func sampleQuantile(sorted samples: [Double], _ q: Double) -> Double {
  precondition(!samples.isEmpty && (0...1).contains(q), "a quantile needs samples and 0 ≤ q ≤ 1")
  let position = q * Double(samples.count - 1)
  let index = min(Int(position), samples.count - 1)
  let next = min(index + 1, samples.count - 1)
  return samples[index] + (position - Double(index)) * (samples[next] - samples[index])
}

/// Mean of finite samples; 0 when there are none.
public func sampleMean(_ samples: [Double]) -> Double {
  samples.isEmpty ? 0 : samples.reduce(0, +) / Double(samples.count)
}

/// Unbiased variance (n − 1); 0 below two samples.
public func sampleVariance(_ samples: [Double]) -> Double {
  guard samples.count > 1 else { return 0 }
  let mean = sampleMean(samples)
  return samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples.count - 1)
}
