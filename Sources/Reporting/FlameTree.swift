// Stacks as a tree of frames with places: what a flame graph draws. Pure geometry, no markup.

import ExperimentModel

/// One drawn frame. Widths are in samples; the drawing scales them.
struct FlameFrame: Hashable {
  /// nil: frames too narrow to draw, merged.
  var name: String?
  /// 0 for the outermost.
  var depth: Int
  /// Samples left of it.
  var start: Int
  var count: Int
  /// Frames that stand in it merged; 1 for a frame with a name.
  var merged: Int
  /// Samples of the same path in the profile that it is compared with; nil without one.
  var before: Int?
}

/// The frames of a profile, outermost first, siblings by name so that two profiles of one program look alike.
struct FlameTree {
  private(set) var frames: [FlameFrame] = []
  private(set) var depth = 0
  /// Samples and frames that were merged, over all places.
  private(set) var mergedSamples = 0
  private(set) var mergedFrames = 0
  /// The largest path of the baseline that is in no stack any more, with its samples.
  private(set) var gone: (path: [String], count: Int)?

  /// Stacks of both profiles in the order of their frames; `isNew` are those that are drawn.
  typealias Sorted = [(stack: StackProfile.Stack, isNew: Bool)]

  static func sorted(_ profile: StackProfile, baseline: StackProfile?) -> Sorted {
    // A profile's stacks are in that order already.
    let new = profile.stacks.map { (stack: $0, isNew: true) }
    guard let baseline else { return new }
    return (new + baseline.stacks.map { (stack: $0, isNew: false) })
      .sorted { $0.stack.frames.lexicographicallyPrecedes($1.stack.frames) }
  }

  /// - Parameter least: a frame of fewer samples is merged with its narrow siblings.
  init(_ stacks: Sorted, hasBaseline: Bool, least: Int) {
    add(stacks[...], depth: 0, start: 0, least: max(1, least), hasBaseline: hasBaseline)
  }

  /// Stacks of a slice share their first `depth` frames and are sorted.
  private mutating func add(
    _ stacks: Sorted.SubSequence, depth: Int, start: Int, least: Int, hasBaseline: Bool
  ) {
    var start = start
    var narrow = FlameFrame(name: nil, depth: depth, start: 0, count: 0, merged: 0)
    var i = stacks.startIndex
    while i < stacks.endIndex {
      let frames = stacks[i].stack.frames
      guard depth < frames.count else { i += 1; continue }
      var end = i
      var (count, before) = (0, 0)
      while end < stacks.endIndex, depth < stacks[end].stack.frames.count, stacks[end].stack.frames[depth] == frames[depth] {
        let samples = stacks[end].stack.count
        if stacks[end].isNew { count += samples } else { before += samples }
        end += 1
      }
      if count >= least {
        let old = hasBaseline ? before : nil
        self.frames.append(FlameFrame(name: frames[depth], depth: depth, start: start, count: count, merged: 1, before: old))
        self.depth = max(self.depth, depth + 1)
        add(stacks[i..<end], depth: depth + 1, start: start, least: least, hasBaseline: hasBaseline)
        start += count
      } else if count > 0 {
        narrow.count += count
        narrow.merged += 1
      } else if before > gone?.count ?? 0 {
        gone = (Array(frames[...depth]), before)
      }
      i = end
    }
    guard narrow.count > 0 else { return }
    narrow.start = start
    self.frames.append(narrow)
    self.depth = max(self.depth, depth + 1)
    mergedSamples += narrow.count
    mergedFrames += narrow.merged
  }
}
