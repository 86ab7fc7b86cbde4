import ExperimentModel
import Foundation
#if canImport(FoundationXML)
  import FoundationXML
#endif
import Testing

@testable import Reporting

private func profile(_ stacks: [([String], Int)], dropped: Int = 0) -> StackProfile {
  StackProfile(stacks: stacks.map { .init($0.0, $0.1) }, dropped: dropped, rate: 997, cpuSeconds: 1.5)
}

private let plain = profile([
  (["main", "subject", "hot"], 800), (["main", "subject", "cold"], 150), (["main", "subject", "libc.so.6`memcpy"], 50),
])

private let hostileName = "<script>alert('\"&')</script>\u{202E}\u{0}\n; style=" + String(repeating: "e\u{301}", count: 40)

/// 10,000 stacks of 4 to 22 frames from a seeded generator.
private func many(_ name: (Int) -> String) -> StackProfile {
  var state: UInt64 = 5
  func next(_ n: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % n
  }
  return profile((0..<10_000).map { i in
    (["main"] + (0..<(2 + next(19))).map { _ in name(next(7) == 0 ? next(400) : next(3)) } + [name(i)], 1 + next(50))
  })
}

private let profiles: [StackProfile] = [
  plain, profile([]), profile([(["main"], 1)]), profile([([hostileName, "libc`" + hostileName], 3), (["``", ""], 2)], dropped: 7),
  profile([(Array(repeating: "fib", count: 128), 100)]), many { "function\($0)" }, many { "\(hostileName)\($0)" },
  profile((0..<10_000).map { (["\($0)" + String(repeating: "\"", count: 300)], 100) }),
  profile([([String(repeating: "a\u{301}\u{302}\u{303}", count: 5_000)], 10)]),
]

@Suite struct FlameGraphTests {
  @Test(arguments: 0..<profiles.count)
  func everyGraphIsWellFormedAndBounded(index: Int) {
    for baseline in index == 5 || index == 6 ? [nil] : [nil, plain] {
      let svg = flameGraphSVG(profiles[index], title: index == 3 ? hostileName : "Where the time goes", baseline: baseline)
      let parser = XMLParser(data: Data(svg.utf8))
      #expect(parser.parse(), "\(String(describing: parser.parserError)) in \(svg.prefix(2_000))")
      #expect(svg.utf8.count <= 200_000, "\(svg.utf8.count) bytes")
      for banned in [" style=\"", "<script", "<style", "onload", "href", "nan", "\u{202E}"] { #expect(!svg.contains(banned), "\(banned)") }
      #expect(svg.contains("role=\"img\"") && svg.contains("<title>") && svg.contains("<desc>"))
    }
    let html = profileTableHTML(profiles[index], title: index == 3 ? hostileName : "t")
    let parser = XMLParser(data: Data(html.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(html.components(separatedBy: "<tr>").count - 2 <= 50 && html.utf8.count < 200_000)
  }

  @Test func widthsAreShares() {
    let svg = flameGraphSVG(plain, title: "t")
    #expect(svg.contains("<rect x=\"8\" y=\"30\" width=\"704\" height=\"18\""))
    #expect(svg.contains("width=\"563.2\" height=\"18\"") && svg.contains("<title>hot: 800 samples, 80.0 %</title>"))
    #expect(svg.contains("<title>libc.so.6`memcpy: 50 samples, 5.00 %</title>"))
    #expect(svg.contains(">cold<") && !svg.contains(">memcpy<"))
    #expect(fitted("memcpy", 44) == "memcpy" && fitted("memcpy", 30) == "mem…" && fitted("memcpy", 20) == nil && fitted("", 20) == nil)
    #expect(svg.contains("1,000 samples") && svg.contains("Most samples of their own: hot 80.0 %, cold 15.0 %"))
    // Siblings stand side by side in the order of their names and fill their parent.
    let tree = FlameTree(FlameTree.sorted(plain, baseline: nil), hasBaseline: false, least: 1)
    #expect(tree.frames.map(\.name) == ["main", "subject", "cold", "hot", "libc.so.6`memcpy"])
    #expect(tree.frames.map(\.start) == [0, 0, 0, 150, 950] && tree.depth == 3)
  }

  @Test func narrowFramesAreCountedAsOther() {
    let thin = profile([(["main", "wide"], 99_000)] + (0..<300).map { (["main", "thin\($0)", "leaf"], 3) } + [(["main"], 100)])
    let svg = flameGraphSVG(thin, title: "t")
    #expect(svg.contains("<title>other (300 frames): 900 samples, 0.900 %</title>"))
    #expect(svg.contains("300 frames under 0.100 % are merged as other, with 900 samples in all."))
    #expect(!svg.contains("thin7"))
  }

  /// Every sample is drawn exactly once at each depth that it reaches, merged or not.
  @Test(arguments: [1, 10, 100, 10_000])
  func noSampleIsLostBesideMerging(least: Int) {
    let all = many { "f\($0)" }
    let tree = FlameTree(FlameTree.sorted(all, baseline: nil), hasBaseline: false, least: least)
    var ends: [Int: Int] = [:]
    for frame in tree.frames.sorted(by: { ($0.depth, $0.start) < ($1.depth, $1.start) }) {
      #expect(frame.start >= ends[frame.depth] ?? 0 && frame.count > 0)
      ends[frame.depth] = frame.start + frame.count
      if frame.name != nil { #expect(frame.count >= least) }
    }
    let outermost = tree.frames.filter { $0.depth == 0 }.reduce(0) { $0 + $1.count }
    #expect(outermost == all.samples)
  }

  @Test func differencesCarryAMark() {
    let after = profile([(["main", "subject", "hot"], 100), (["main", "subject", "cold"], 150)])
    let svg = flameGraphSVG(after, title: "t", baseline: plain)
    #expect(svg.contains("<title>hot: 100 samples, 40.0 %, −40.0 points against before</title>") && svg.contains(">▼ hot<"))
    #expect(svg.contains("<title>cold: 150 samples, 60.0 %, +45.0 points against before</title>") && svg.contains(">▲ cold<"))
    #expect(svg.contains("No longer there: libc.so.6`memcpy, which had 5.00 %."))
  }

  @Test func tableHasBothShares() {
    let html = profileTableHTML(plain, title: "t")
    #expect(html.contains("<tr><td><code>hot</code></td><td>–</td><td class=\"number\">80 % [77, 82]</td>"))
    #expect(html.contains("<td><code>memcpy</code></td><td>libc.so.6</td>"))
    #expect(html.contains("<code>main</code></td><td>–</td><td class=\"number\">0.00 % [0.00, 0.38]</td><td class=\"number\">100.0 % [99.6, 100.0]</td>"))
  }
}
