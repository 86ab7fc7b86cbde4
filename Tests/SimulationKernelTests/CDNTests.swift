import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct CDNTests {
  @Test("more POPs, lower hit ratio: the course's figures for a TTL of 60 s, exactly", arguments: [(1.0, 0.755), (5, 0.568), (20, 0.416), (50, 0.325)])
  func moreSites(_ pops: Double, _ published: Double) throws {
    let report = try simulated("cdn", ["pops": pops], replications: 3)
    #expect(abs(report.theory("hit_ratio") - published) < 0.0006, "\(report.theory("hit_ratio"))")
    #expect(abs(report.value("hit_ratio") - published) < 0.004, "\(report.value("hit_ratio"))")
    #expect(report.closedForm == "λL/(1 + λL) of each key at each POP")
  }

  @Test("a shield halves what reaches the origin: .524 to .271 with many POPs, .276 with twenty")
  func shield() throws {
    let lru = ["policy": "lru"]
    let alone = try simulated("cdn", ["pops": 20], lru, replications: 4)
    #expect(abs(alone.theory("origin_share") - 0.524) < 0.0006 && abs(alone.value("origin_share") - 0.524) < 0.004)
    let shielded = try simulated("cdn", ["pops": 20], lru.merging(["shield_policy": "lru"]) { $1 }, replications: 4)
    #expect(abs(shielded.error("origin_share")) < 0.02, "\(shielded.value("origin_share")) for \(shielded.theory("origin_share"))")
    #expect(shielded.value("hit_ratio") == alone.value("hit_ratio"))
    let many = SimArm(name: "", words: ["policy": "lru", "shield_policy": "lru"], numbers: ["pops": 1_000])
    let model = try CDNModel(Parameters(SimModel.named("cdn")!, many, quick: false))
    #expect(abs(model.theory["origin_share"]! - 0.271) < 0.0006)
  }

  @Test("Che within a point at 10,000 keys, LFU below its bound and near it", arguments: [0.7, 0.9, 1.1])
  func policies(_ s: Double) throws {
    let size: [String: Double] = ["n": 10_000, "s": s, "pops": 4, "requests": 10_000]
    for policy in ["lru", "fifo"] {
      let report = try simulated("cdn", size, ["policy": policy], replications: 4)
      #expect(abs(report.value("hit_ratio") - report.theory("hit_ratio")) < 0.01, "\(policy): \(report.value("hit_ratio"))")
      for shield in ["lru", "fifo"] {
        let report = try simulated("cdn", size, ["policy": policy, "shield_policy": shield], replications: 4)
        let (found, form) = (report.value("origin_share"), report.theory("origin_share"))
        #expect(abs(found - form) < 0.01, "\(policy), then \(shield): \(found) for \(form)")
      }
    }
    let lfu = try simulated("cdn", size, ["policy": "lfu"], replications: 4)
    let bound = lfu.value("lfu_bound")
    #expect(lfu.value("hit_ratio") < bound && lfu.value("hit_ratio") > 0.85 * bound, "\(lfu.value("hit_ratio")) of \(bound)")
    #expect(lfu.result.theory.isEmpty && lfu.closedForm == nil)
  }

  @Test("one POP of LRU is the model `cache`")
  func onePOP() throws {
    let size: [String: Double] = ["n": 5_000, "capacity": 500, "requests": 20_000]
    let (one, cache) = (try simulated("cdn", size.merging(["pops": 1]) { $1 }, ["policy": "lru"]), try simulated("cache", size, ["policy": "lru"]))
    #expect(abs(one.value("hit_ratio") - cache.value("hit_ratio")) < 0.006)
    #expect(one.theory("hit_ratio") == cache.theory("hit_ratio"))
  }

  @Test("closed forms lie inside the interval in 93 % of seeds, within chance of 100")
  func coverage() {
    let rows = SelfProof.caches.rows(100)
    #expect(rows.count == 11)
    for row in rows { #expect(row.holdsWithinChance, "\(row.name): \(row.observed)") }
  }

  @Test("purges and LRU: Che with purges within a point; a TTL lowers what LRU hits, a quick purge leaves nothing stale")
  func purgedLRU() throws {
    let size: [String: Double] = ["n": 1_000, "capacity": 200, "pops": 3, "rate": 200, "requests": 10_000]
    let purged = try simulated("cdn", size.merging(["purge_rate": 5]) { $1 }, ["policy": "lru"])
    #expect(abs(purged.value("hit_ratio") - purged.theory("hit_ratio")) < 0.01, "\(purged.value("hit_ratio")) for \(purged.theory("hit_ratio"))")
    #expect(purged.value("stale_share") > 0)
    let (plain, fresh) = (try simulated("cdn", size, ["policy": "lru"]), try simulated("cdn", size.merging(["ttl": 4e9]) { $1 }, ["policy": "lru"]))
    #expect(fresh.value("hit_ratio") < plain.value("hit_ratio") - 0.02 && fresh.closedForm == nil)
    let quick = try simulated("cdn", size.merging(["purge_rate": 5, "purge_delay": 0]) { $1 }, ["policy": "lru"])
    #expect(quick.value("stale_share") == 0)
  }

  @Test("every arm sees the same requests: a shield changes no hit of a POP under LRU, more room loses none")
  func commonRandomNumbers() throws {
    let numbers: [String: Double] = ["n": 2_000, "pops": 5, "requests": 5_000]
    let arms = [("none", 100.0), ("lru", 100), ("lru", 400)].map {
      SimArm(name: "\($0.0) \($0.1)", words: ["policy": "lru", "shield_policy": $0.0], numbers: numbers.merging(["capacity": $0.1]) { $1 })
    }
    let hits = try simulate(SimCell(model: "cdn", arms: arms, replications: 5, seed: 2), quick: false, cancelled: { false }).map { $0.samples["hit_ratio"]! }
    #expect(zip(hits[1], hits[2]).allSatisfy { $0 < $1 })
    #expect(zip(hits[0], hits[1]).allSatisfy { abs($0 - $1) < 0.03 })
  }

  @Test("what cannot run says why, and what to do", arguments: [
    (["rate": 0], [:], "the rate is 0 a second; give a rate above 0"),
    (["ttl": 0], [:], "`ttl` is 0: nothing would be kept; give a time above 0, or none"),
    ([:], ["policy": "lru", "shield_policy": "ttl"], "the shield would keep all keys for ever, and the origin rest; give `ttl:`"),
    (["n": 10_000_000], [:], "50 POPs of 10000000 keys would need 3815 MiB; at most 512 MiB: fewer `pops` or a smaller `n`"),
    (["purge_rate": 1e7], [:], "10000000 purges would be under way at one time; at most 1000000"),
    (["ttl": 86_400e9], ["policy": "lru"], "an entry’s life of 86400 s is 43200000 requests long; at most 3000000"),
    (["pops": 0], [:], "pops is 0; give a whole number from 1 to 1000"),
    ([:], ["policy": "mru"], "there is no policy `mru`; it is one of ttl, lru, lfu, fifo, tinylfu"),
  ] as [([String: Double], [String: String], String)])
  func refusals(_ numbers: [String: Double], _ words: [String: String], _ message: String) {
    do {
      _ = try simulated("cdn", numbers, words)
      Issue.record("\(numbers) ran")
    } catch { #expect("\(error)".contains(message), "\(error)") }
  }

  @Test("a seed is its values", arguments: [[:], ["policy": "tinylfu", "shield_policy": "lfu"], ["shield_policy": "ttl"]] as [[String: String]])
  func determinism(_ words: [String: String]) throws {
    let numbers: [String: Double] = ["n": 1_000, "pops": 3, "capacity": 100, "shield_capacity": 200, "purge_rate": 10, "requests": 2_000]
    let (one, two) = (try simulated("cdn", numbers, words, seed: 9), try simulated("cdn", numbers, words, seed: 9))
    #expect(one.result == two.result && one.events == two.events)
    #expect(try simulated("cdn", numbers, words, seed: 10).result != one.result)
  }
}
