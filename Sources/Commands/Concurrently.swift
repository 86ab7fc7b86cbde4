// The same work on many items, on all cores.

import Foundation

/// `body` of every item, in the items' order; `body` runs on several threads at once.
func concurrently<Item: Sendable, Result: Sendable>(_ items: [Item], _ body: @Sendable (Item) -> Result) -> [Result] {
  guard items.count > 1 else { return items.map(body) }
  return [Result](unsafeUninitializedCapacity: items.count) { buffer, count in
    // Every thread writes only the places of its own items, and `concurrentPerform` returns when all have.
    nonisolated(unsafe) let results = buffer.baseAddress!
    DispatchQueue.concurrentPerform(iterations: items.count) { (results + $0).initialize(to: body(items[$0])) }
    count = items.count
  }
}
