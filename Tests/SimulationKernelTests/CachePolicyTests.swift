import ExperimentModel
import Testing

@testable import SimulationKernel

@Suite struct CachePolicyTests {
  /// The keys of `trace` that hit, as T and F.
  private func run<Cache: SimulatedCache>(_ cache: Cache, _ trace: [Int]) -> String {
    var cache = cache
    return trace.map { cache.access($0) ? "T" : "F" }.joined()
  }

  @Test("LRU keeps what was used last, FIFO what came last")
  func lists() {
    let trace = [1, 2, 1, 3, 1, 2]
    #expect(run(ListCache(keys: 9, capacity: 2, movesOnHit: true), trace) == "FFTFTF")
    #expect(run(ListCache(keys: 9, capacity: 2, movesOnHit: false), trace) == "FFTFFF")
  }

  @Test("LFU keeps what was used most, and of equals the younger")
  func lfu() {
    #expect(run(LFUCache(keys: 9, capacity: 2), [1, 1, 2, 3, 1, 2, 3, 1]) == "FTFFTFFT")
  }

  @Test("an admission filter lets one-time keys pass by")
  func admission() {
    // 1 and 2 are popular; 3, 4 and 5 are asked for once each and never come in.
    #expect(run(AdmissionCache(keys: 9, capacity: 2), [1, 2, 1, 2, 3, 4, 5, 1, 2]) == "FFTTFFFTT")
  }

  @Test("no capacity, no hits; room for all keys, only first misses")
  func extremes() {
    let trace = [1, 2, 3, 1, 2, 3]
    #expect(run(ListCache(keys: 3, capacity: 0, movesOnHit: true), trace) == "FFFFFF")
    #expect(run(LFUCache(keys: 3, capacity: 0), trace) == "FFFFFF")
    #expect(run(AdmissionCache(keys: 3, capacity: 0), trace) == "FFFFFF")
    #expect(run(ListCache(keys: 3, capacity: 3, movesOnHit: true), trace) == "FFFTTT")
    #expect(run(LFUCache(keys: 3, capacity: 3), trace) == "FFFTTT")
    #expect(run(AdmissionCache(keys: 3, capacity: 3), trace) == "FFFTTT")
  }

  @Test("every policy agrees with a plain model of itself on 20 seeded traces")
  func models() {
    for seed in 1...20 {
      var state = UInt64(seed)
      let trace = (0..<400).map { _ -> Int in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 1 + Int((state >> 40) % 12)
      }
      #expect(run(ListCache(keys: 12, capacity: 4, movesOnHit: true), trace) == model(trace, 4, promote: true))
      #expect(run(ListCache(keys: 12, capacity: 4, movesOnHit: false), trace) == model(trace, 4, promote: false))
      #expect(run(LFUCache(keys: 12, capacity: 4), trace) == lfuModel(trace, 4))
    }
  }

  private func model(_ trace: [Int], _ capacity: Int, promote: Bool) -> String {
    var list: [Int] = []
    return trace.map { key in
      if let index = list.firstIndex(of: key) {
        if promote { list.append(list.remove(at: index)) }
        return "T"
      }
      if list.count == capacity { list.removeFirst() }
      list.append(key)
      return "F"
    }.joined()
  }

  private func lfuModel(_ trace: [Int], _ capacity: Int) -> String {
    var uses: [Int: (count: Int, last: Int)] = [:]
    return trace.enumerated().map { time, key in
      if let found = uses[key] {
        uses[key] = (found.count + 1, time)
        return "T"
      }
      if uses.count == capacity {
        let victim = uses.min { ($0.value.count, $0.value.last) < ($1.value.count, $1.value.last) }!
        uses[victim.key] = nil
      }
      uses[key] = (1, time)
      return "F"
    }.joined()
  }
}
