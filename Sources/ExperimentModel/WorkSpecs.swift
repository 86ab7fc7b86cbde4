// Specifications of the stages that work with memory, files and matrices.

/// Memory that a request really takes and writes to.
public struct AllocSpec: Codable, Hashable, Sendable {
  /// Bytes that are given back when the request is answered.
  public var perRequest: Int
  /// Bytes that are never given back.
  public var leak: Int
  /// nil: `perRequest` is one block. Else it is that many bytes in objects.
  public var objects: ObjectHeap?
  public init(perRequest: Int, leak: Int, objects: ObjectHeap? = nil) {
    self.perRequest = perRequest; self.leak = leak; self.objects = objects
  }

  /// Bytes of `perRequest` and of `leak` at most.
  public static let requestMax = 16 << 20
}

/// Objects of 64 bytes that refer to each other, and who gives their memory back.
public struct ObjectHeap: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// A heap of fixed size. When it is full the program stops, marks what it can reach and sweeps the rest.
    case markSweep = "mark-sweep"
    /// `malloc` and `free` for each object.
    case malloc
    /// Swift objects, freed when their last reference goes.
    case arc
  }
  public var kind: Kind
  /// Bytes that are reachable from the start, built once.
  public var live: Int
  /// Bytes of the heap of `mark-sweep`; nil for the other kinds, whose heap has no fixed size.
  public var heap: Int?
  public init(kind: Kind, live: Int, heap: Int? = nil) { self.kind = kind; self.live = live; self.heap = heap }

  public static let objectSize = 64
  /// Bytes of `live` and of `heap` at most.
  public static let sizeMax = 1 << 30
}

extension SystemSpec {
  /// The first stage that makes objects on a heap.
  public var heapStage: (name: String, spec: AllocSpec, objects: ObjectHeap)? {
    for stage in roles.flatMap(\.routes).flatMap(\.stages) {
      if case .alloc(let spec) = stage.work, let objects = spec.objects { return (stage.name, spec, objects) }
    }
    return nil
  }
}

extension ObjectHeap {
  /// Whole objects; the last one may be used in part.
  public static func count(_ bytes: Int) -> Int { (bytes + objectSize - 1) / objectSize }

  /// Objects that a mark–sweep heap has free after each collection, H − L; nil for the other kinds.
  public var headroom: Int? { heap.map { $0 / Self.objectSize - Self.count(live) } }
}

/// Operations on a seeded file of the lab's own, on threads.
public struct IOSpec: Codable, Hashable, Sendable {
  public enum Operation: String, Codable, Sendable, CaseIterable {
    case read, write
    /// A write and an fsync: what a commit costs.
    case fsync
  }
  public enum Access: String, Codable, Sendable, CaseIterable { case random, sequential }
  public var operation: Operation
  /// Bytes of one operation.
  public var size: Int
  /// Past the page cache (O_DIRECT).
  public var direct: Bool
  /// Operations of one request at the same time.
  public var depth: Int
  public var access: Access
  /// Bytes of the file.
  public var file: Int
  public init(operation: Operation, size: Int, direct: Bool, depth: Int, access: Access, file: Int) {
    self.operation = operation; self.size = size; self.direct = direct; self.depth = depth; self.access = access; self.file = file
  }

  public static let sizeMax = 16 << 20
  public static let fileMax = 1 << 30
  public static let depthMax = 64
  /// What O_DIRECT asks of sizes and places on every usual device.
  public static let directUnit = 4096
}

/// A small neural network that is really computed: four square layers, on one thread, several requests at a time.
public struct InferSpec: Codable, Hashable, Sendable {
  public enum Model: String, Codable, Sendable, CaseIterable {
    case tiny, small, medium, large
    /// Inputs and outputs of every layer.
    public var width: Int {
      switch self { case .tiny: 128; case .small: 512; case .medium: 1280; case .large: 2560 }
    }
    public static let layers = 4
    public var weights: Int { Self.layers * width * width }
  }
  public enum Precision: String, Codable, Sendable, CaseIterable {
    case fp32, int8
    public var bytes: Int { self == .fp32 ? 4 : 1 }
  }
  public var model: Model
  /// Requests that are computed together at most.
  public var batch: Int
  /// How long the first request of a batch waits for others while the thread is idle.
  public var maxDelay: Nanoseconds
  public var precision: Precision
  public init(model: Model, batch: Int, maxDelay: Nanoseconds, precision: Precision) {
    self.model = model; self.batch = batch; self.maxDelay = maxDelay; self.precision = precision
  }

  public static let batchMax = 256
}
