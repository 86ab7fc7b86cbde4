/// Least frequently used leaves; among equals the one that reached its count first. Counts live only
/// as long as the entry (in-cache LFU), which is why the measured ratio stays below the bound of a
/// cache that knows the popularities.
///
/// Buckets of equal count in ascending order, each a list of slots (Shah, Mitra, Matani 2010): a hit
/// moves a slot to the neighbouring bucket, so every operation is O(1).
///
///     lowest → [count 1: a ⇄ b] ⇄ [count 2: c] ⇄ [count 7: d ⇄ e]
struct LFUPolicy: EvictionPolicy {
  private struct Bucket {
    var count: Int
    var next: Int32 = -1
    var previous: Int32 = -1
    var first: Int32 = -1
    var last: Int32 = -1
  }
  private struct Link { var next: Int32 = -1, previous: Int32 = -1, bucket: Int32 = -1 }

  private var buckets: [Bucket] = []
  private var freeBuckets: [Int32] = []
  private var links: [Link] = []
  private var lowest: Int32 = -1

  init(capacity: Int) {}

  var victim: Int32? { lowest >= 0 ? buckets[Int(lowest)].first : nil }

  mutating func inserted(_ slot: Int32, hash: UInt64) {
    while links.count <= Int(slot) { links.append(Link()) }
    if lowest < 0 || buckets[Int(lowest)].count != 1 { lowest = makeBucket(count: 1, after: -1) }
    append(slot, to: lowest)
  }

  mutating func touched(_ slot: Int32) {
    let old = links[Int(slot)].bucket
    let count = buckets[Int(old)].count + 1
    var target = buckets[Int(old)].next
    if target < 0 || buckets[Int(target)].count != count { target = makeBucket(count: count, after: old) }
    detach(slot)
    append(slot, to: target)
  }

  mutating func removed(_ slot: Int32) { detach(slot) }

  private mutating func makeBucket(count: Int, after: Int32) -> Int32 {
    let following = after >= 0 ? buckets[Int(after)].next : lowest
    let new: Int32
    let bucket = Bucket(count: count, next: following, previous: after)
    if let reused = freeBuckets.popLast() {
      new = reused
      buckets[Int(new)] = bucket
    } else {
      new = Int32(buckets.count)
      buckets.append(bucket)
    }
    if after >= 0 { buckets[Int(after)].next = new }
    if following >= 0 { buckets[Int(following)].previous = new }
    return new
  }

  private mutating func append(_ slot: Int32, to bucket: Int32) {
    let last = buckets[Int(bucket)].last
    links[Int(slot)] = Link(next: -1, previous: last, bucket: bucket)
    if last >= 0 { links[Int(last)].next = slot } else { buckets[Int(bucket)].first = slot }
    buckets[Int(bucket)].last = slot
  }

  /// Takes a slot out of its bucket, and an emptied bucket out of the row.
  private mutating func detach(_ slot: Int32) {
    let link = links[Int(slot)]
    let b = Int(link.bucket)
    if link.previous >= 0 { links[Int(link.previous)].next = link.next } else { buckets[b].first = link.next }
    if link.next >= 0 { links[Int(link.next)].previous = link.previous } else { buckets[b].last = link.previous }
    guard buckets[b].first < 0 else { return }
    let (before, after) = (buckets[b].previous, buckets[b].next)
    if before >= 0 { buckets[Int(before)].next = after } else { lowest = after }
    if after >= 0 { buckets[Int(after)].previous = before }
    freeBuckets.append(link.bucket)
  }
}
