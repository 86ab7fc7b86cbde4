import Testing

@testable import CourseSite

private func page(_ path: String, _ body: String, title: String = "A page · The course") -> SitePage {
  SitePage(path: path, html: "<html><head><title>\(title)</title></head><body><nav>menu</nav><main id=\"main\">\(body)</main></body></html>")
}

/// What search.js does with a shard: postings of a term as pages and weights.
private func postings(_ shard: SiteAsset, _ term: String) -> [Int: Int] {
  let text = String(decoding: shard.bytes, as: UTF8.self)
  guard let line = text.components(separatedBy: "\\n").map({ $0.split(separator: "\"").last.map(String.init) ?? $0 }).first(where: { $0.hasPrefix(term + " ") })
  else { return [:] }
  var found: [Int: Int] = [:]
  var (page, distance) = (-1, "")
  for letter in line.dropFirst(term.count + 1) {
    if letter.isUppercase {
      page += Int(distance, radix: 36)!
      found[page] = Int(letter.asciiValue!) - 64
      distance = ""
    } else {
      distance.append(letter)
    }
  }
  return found
}

@Suite struct SearchTests {
  @Test(arguments: [
    ("The p99 of HTTP/2, twice", ["the", "p99", "of", "http", "twice"]),
    ("Größe café naïve", ["große", "cafe", "naive"]),
    ("性能測定", ["性能", "能測", "測定"]),
    ("キャッシュ", ["キャ", "ャッ", "ッシ", "シュ"]),
    ("캐시 적중률", ["캐시", "적중", "중률"]),
    ("p99は 12 ms", ["p99", "は", "ms"]),
    ("列", ["列"]),
    ("1234 deadbeef0123456789 snake_case", ["snake_case"]),
    ("don’t x", ["don"]),
  ])
  func wordsAreCutAsAReaderAsksForThem(text: String, terms: [String]) {
    #expect(searchTerms(text) == terms)
  }

  @Test func aPageIsReadWithoutItsFrameAndItsDrawings() {
    let one = SearchPage(
      page("a.html", "<h1>Caches</h1><p>A cache &lt;holds&gt; what was asked for.</p><h2 id=\"che\">Che’s law</h2><svg><text>axis</text></svg><aside>aside</aside><footer class=\"legend\">legend</footer>"))
    #expect(one.title == "A page" && one.excerpt == "A cache <holds> what was asked for.")
    #expect(one.headings.map(\.id) == ["che"] && one.headings.map(\.text) == ["Che’s law"])
    #expect(one.terms["holds"] == 1 && one.terms["che"] == 4 && one.terms["page"] == 6)
    #expect(one.terms["axis"] == nil && one.terms["legend"] == nil && one.terms["aside"] == nil && one.terms["menu"] == nil)
  }

  @Test func everyTermIsInTheShardOfItsBeginning() throws {
    let pages = (0..<40).map { SearchPage(page("p\($0).html", "<p>cache\($0 % 7) latency \(["alpha", "beta", "gamma"][$0 % 3])</p>")) }
    let index = SearchIndex(pages: pages.map { ($0.path, $0.title) }, lessons: 3)
    let shards = index.shards(pages.map(\.terms))
    for (number, page) in pages.enumerated() {
      for (term, weight) in page.terms { #expect(postings(shards[index.shard(of: term)], term)[number] == Int(weight)) }
    }
    // A query that is the beginning of a word finds the word's shard.
    #expect(index.shard(of: "lat") == index.shard(of: "latency") && index.shard(of: "性") == index.shard(of: "性能"))
  }

  @Test func changedPagesGiveTheSameShardsAsAnewIndex() throws {
    var random = SplitMix(seed: 808)
    let words = (0..<200).map { "word\($0 % 50)\(["a", "b", "性能", "é"][$0 % 4])" }
    func drawn(_ number: Int) -> SearchPage {
      SearchPage(page("p\(number).html", "<p>\((0..<30).map { _ in words[Int(random.next() % 200)] }.joined(separator: " "))</p>"))
    }
    var pages = (0..<20).map(drawn)
    let index = SearchIndex(pages: pages.map { ($0.path, $0.title) }, lessons: 3)
    var files = index.shards(pages.map(\.terms)).map(\.bytes)
    for _ in 0..<50 {
      let place = Int(random.next() % 20)
      let new = drawn(place)
      let changed = try #require(index.updated(place, from: pages[place].terms, to: new.terms) { files[$0] })
      for (number, bytes) in changed { files[number] = bytes }
      pages[place] = new
      #expect(files == index.shards(pages.map(\.terms)).map(\.bytes))
    }
  }

  @Test func aDamagedShardIsNotUpdated() {
    let index = SearchIndex(pages: [("a.html", "A")], lessons: 1)
    #expect(index.updated(0, from: [:], to: ["word": 1]) { _ in Array("garbage".utf8) } == nil)
  }

  @Test func theListOfPagesIsReadBack() throws {
    let pages = [("a.html", "A \"quoted\" <b> title"), ("b.html", "性能 \\ ü")]
    let read = try #require(SearchIndex.pages(in: SearchIndex(pages: pages, lessons: 2).pagesFile.bytes))
    #expect(read.map(\.path) == pages.map(\.0) && read.map(\.title) == pages.map(\.1))
    #expect(!String(decoding: SearchIndex(pages: [("a", "</script>")], lessons: 1).pagesFile.bytes, as: UTF8.self).contains("</script"))
  }
}

/// Seeded, so that a failure is found again.
private struct SplitMix {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
