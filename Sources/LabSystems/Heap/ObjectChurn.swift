import ExperimentModel
import Foundation

/// Objects of 64 bytes that are freed one by one, by `free` or by their last reference: no pause and no fixed heap, and the
/// price is paid for each object. Used by one thread at a time.
protocol ObjectChurn: AnyObject, Sendable {
  /// Makes and frees `count` objects.
  func churn(_ count: Int)
  /// Makes `count` objects that stay.
  func keep(_ count: Int)
}

/// By `malloc` and `free`. A request's objects live until its end, as a request's data does.
final class MallocChurn: ObjectChurn, @unchecked Sendable {
  private var kept: [UnsafeMutableRawPointer] = []
  private var own: [UnsafeMutableRawPointer] = []

  init(live: Int) { keep(live) }
  deinit { kept.forEach { free($0) } }

  func churn(_ count: Int) {
    own.removeAll(keepingCapacity: true)
    for i in 0..<count { if let object = make(i) { own.append(object) } }
    own.forEach { free($0) }
  }

  func keep(_ count: Int) {
    for i in 0..<count { if let object = make(i) { kept.append(object) } }
  }

  private func make(_ i: Int) -> UnsafeMutableRawPointer? {
    guard let object = malloc(ObjectHeap.objectSize) else { return nil }
    object.storeBytes(of: i, as: Int.self)
    return object
  }
}

/// By Swift's reference counts: each object is counted up and down, and holds a reference to one that lives.
final class CountedChurn: ObjectChurn, @unchecked Sendable {
  /// 16 bytes of header, 8 of reference, 40 of data.
  private final class Node {
    let other: Node?
    var data: (Int, Int, Int, Int, Int)
    init(_ other: Node?, _ i: Int) { self.other = other; data = (i, 0, 0, 0, 0) }
  }
  /// A reference to an earlier one at half the index: no chain is deeper than 64, so freeing does not recurse deeply.
  private var kept: [Node] = []
  private var own: [Node] = []

  init(live: Int) { keep(live) }

  func churn(_ count: Int) {
    own.removeAll(keepingCapacity: true)
    for i in 0..<count { own.append(Node(kept.isEmpty ? nil : kept[i % kept.count], i)) }
    own.removeAll(keepingCapacity: true)
  }

  func keep(_ count: Int) {
    for _ in 0..<count { kept.append(Node(kept.isEmpty ? nil : kept[kept.count / 2], kept.count)) }
  }
}
