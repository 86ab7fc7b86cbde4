import CLabShims
import ExperimentModel
import Foundation

/// A network of four square layers with seeded weights and room for one batch. Nothing is allocated once it is made.
/// Used by one thread at a time.
final class Network: @unchecked Sendable {
  struct Outcome: Equatable, Sendable {
    /// Sum over the samples, each by itself: the same whatever they were computed with.
    var checksum: UInt64 = 0
    var processor: Int64 = 0
  }

  /// Different inputs that requests take in turn.
  static let inputs = 64

  let model: InferSpec.Model
  let precision: InferSpec.Precision
  private let width: Int
  private let batch: Int
  /// One after the other, fp32 or int8.
  private let weights: UnsafeMutableRawPointer
  private let factors: UnsafeMutablePointer<Float>
  private let samples: UnsafeMutablePointer<Float>
  private let x: UnsafeMutablePointer<Float>
  private let y: UnsafeMutablePointer<Float>
  private let scratch: UnsafeMutablePointer<Int16>

  init(_ model: InferSpec.Model, _ precision: InferSpec.Precision, batch: Int, seed: UInt64) {
    precondition((1...InferSpec.batchMax).contains(batch) && InferSpec.batchMax <= Int(INF_BATCH_MAX))
    self.model = model; self.precision = precision; self.batch = batch
    width = model.width
    func room<Number>(_ count: Int, of type: Number.Type) -> UnsafeMutablePointer<Number> {
      UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Number>.stride, alignment: 64)
        .bindMemory(to: type, capacity: count)
    }
    let layer = width * width
    weights = .allocate(byteCount: model.weights * precision.bytes, alignment: 64)
    factors = room(InferSpec.Model.layers * width, of: Float.self)
    samples = room(Self.inputs * width, of: Float.self)
    x = room(batch * width, of: Float.self)
    y = room(batch * width, of: Float.self)
    scratch = room(batch * width, of: Int16.self)
    inf_fill(samples, Int64(Self.inputs * width), mix64(seed), 1)
    // Both precisions start from the same numbers. He's variance 2/width keeps ReLU's outputs as large as its inputs.
    let scale = (6 / Float(width)).squareRoot()
    let whole = precision == .fp32 ? nil : room(layer, of: Float.self)
    for index in 0..<InferSpec.Model.layers {
      let numbers = whole ?? weights.assumingMemoryBound(to: Float.self) + index * layer
      inf_fill(numbers, Int64(layer), mix64(seed &+ UInt64(index) &+ 1), scale)
      if precision == .int8 {
        inf_quantize(numbers, weights.assumingMemoryBound(to: Int8.self) + index * layer, factors + index * width, Int32(width))
      }
    }
    whole?.deallocate()
  }

  deinit {
    weights.deallocate(); factors.deallocate(); samples.deallocate()
    x.deallocate(); y.deallocate(); scratch.deallocate()
  }

  /// Computes samples `first` … `first + count − 1`, counted round the inputs.
  func run(first: Int, count: Int) -> Outcome {
    precondition((1...batch).contains(count))
    let start = ThreadClock.processorTime()
    for j in 0..<count { (x + j * width).update(from: samples + (first + j) % Self.inputs * width, count: width) }
    var (from, to) = (x, y)
    for index in 0..<InferSpec.Model.layers {
      let isLast = index == InferSpec.Model.layers - 1
      let offset = index * width * width
      switch precision {
      case .fp32:
        inf_layer_fp32(
          weights.assumingMemoryBound(to: Float.self) + offset, from, to, Int32(width), Int32(count), isLast ? 0 : 1)
      case .int8:
        inf_layer_int8(
          weights.assumingMemoryBound(to: Int8.self) + offset, factors + index * width, from, scratch, to, Int32(width),
          Int32(count), isLast ? 0 : 1)
      }
      swap(&from, &to)
    }
    var outcome = Outcome()
    for j in 0..<count { outcome.checksum &+= inf_checksum(from + j * width, Int32(width)) }
    outcome.processor = ThreadClock.processorTime() - start
    output = UnsafeBufferPointer(start: from, count: count * width)
    return outcome
  }

  /// Of the last run, one sample after the other.
  private(set) var output = UnsafeBufferPointer<Float>(start: nil, count: 0)
}
