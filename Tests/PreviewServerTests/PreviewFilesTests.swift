import Foundation
import Testing

@testable import PreviewServer

@Suite struct PreviewFilesTests {
  private let folder: String
  private let files: PreviewFiles

  init() throws {
    let base = NSTemporaryDirectory() + "nb-preview-\(UUID().uuidString)"
    folder = base + "/_site"
    try FileManager.default.createDirectory(atPath: folder + "/search/p", withIntermediateDirectories: true)
    for (path, text) in [
      ("_site/index.html", "home"), ("_site/day08.html", "eight"), ("_site/404.html", "nothing"), ("_site/style.css", "css"), ("_site/search/p/day08.js", "js"),
      ("_site/.hidden.html", "hidden"), ("secret.html", "secret"), ("_site/notes.unknown", "x"),
    ] {
      try text.write(toFile: base + "/" + path, atomically: true, encoding: .utf8)
    }
    try FileManager.default.createSymbolicLink(atPath: folder + "/way-out.html", withDestinationPath: base + "/secret.html")
    try FileManager.default.createSymbolicLink(atPath: folder + "/inside.html", withDestinationPath: folder + "/day08.html")
    files = PreviewFiles(folder: folder)
  }

  @Test(arguments: [
    ("/", "home", "text/html; charset=utf-8"), ("/index.html", "home", "text/html; charset=utf-8"), ("/day08", "eight", "text/html; charset=utf-8"),
    ("/day08.html", "eight", "text/html; charset=utf-8"), ("/style.css", "css", "text/css; charset=utf-8"), ("/%64ay08.html", "eight", "text/html; charset=utf-8"),
    ("/search/p/day08.js", "js", "text/javascript; charset=utf-8"), ("/inside.html", "eight", "text/html; charset=utf-8"),
  ])
  func whatIsThereIsServed(path: String, text: String, type: String) {
    #expect(files.look(for: path) == .file(Array(text.utf8), type: type))
  }

  @Test(arguments: [
    "/../secret.html", "/%2e%2e/secret.html", "/search/../../secret.html", "/..%2fsecret.html", "/a\\..\\secret.html", "/.hidden.html", "/%00", "/day08.html%00.css", "secret.html", "/%zz",
    "/way-out.html", "/./index.html",
  ])
  func nothingElseIs(path: String) {
    #expect(files.look(for: path) == .refused)
  }

  @Test(arguments: ["/day09.html", "/notes.unknown", "/search/", "/day08.html/"])
  func whatIsMissingHasTheSitesOwnPage(path: String) {
    #expect(files.look(for: path) == .missing(Array("nothing".utf8)))
  }

  @Test func aPageListensToItsServerAndIsOtherwiseTheSame() {
    let page = "<html><head><meta content=\"default-src 'none'; script-src 'self'\"></head><body>text</body></html>"
    let shown = String(decoding: withPreview(Array(page.utf8)), as: UTF8.self)
    #expect(shown.contains("default-src 'none'; connect-src 'self'; script-src 'self'") && shown.contains("<script src=\"/_nb/preview.js\" defer></script>\n</body>"))
    #expect(withPreview(Array("no page".utf8)) == Array("no page".utf8))
  }
}

@Suite struct PreviewEventsTests {
  @Test func everyPageIsToldAndALateOneLearnsWhereThingsStand() async {
    let events = PreviewEvents()
    events.send(.built(written: ["day08.html"], problems: "a mistake\nin two lines"))
    var early = events.listen().makeAsyncIterator()
    let hello = await early.next() ?? ""
    #expect(hello.contains("event: hello\ndata: {\"build\":1,\"problems\":\"a mistake\\nin two lines\",\"running\":\"\"}\n\n"))
    events.send(.running("day08.md"))
    events.send(.built(written: ["index.html"], problems: ""))
    #expect(await early.next() == "event: running\ndata: {\"text\":\"day08.md\"}\n\n")
    #expect(await early.next() == "event: built\ndata: {\"build\":2,\"problems\":\"\",\"written\":[\"index.html\"]}\n\n")
    var late = events.listen().makeAsyncIterator()
    #expect(await late.next()?.contains("\"build\":2,\"problems\":\"\",\"running\":\"day08.md\"") == true)
  }
}

@Suite struct FolderWatchTests {
  @Test func aWrittenAReplacedAndARemovedFileAreSeenAndHiddenOnesAreNot() throws {
    let folder = NSTemporaryDirectory() + "nb-watch-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder + "/results", withIntermediateDirectories: true)
    let watch = try #require(FolderWatch([folder]))
    #expect(watch.changes(limit: 1).isEmpty)
    try "a".write(toFile: folder + "/day01.md", atomically: false, encoding: .utf8)
    #expect(watch.changes(limit: 5000) == [folder + "/day01.md"])
    try "b".write(toFile: folder + "/results/day01.json", atomically: true, encoding: .utf8)
    #expect(watch.changes(limit: 5000).contains(folder + "/results/day01.json"))
    try FileManager.default.createDirectory(atPath: folder + "/market", withIntermediateDirectories: true)
    #expect(watch.changes(limit: 50).isEmpty)
    try "c".write(toFile: folder + "/market/facts.yml", atomically: false, encoding: .utf8)
    #expect(watch.changes(limit: 5000) == [folder + "/market/facts.yml"])
    try FileManager.default.removeItem(atPath: folder + "/day01.md")
    #expect(watch.changes(limit: 5000) == [folder + "/day01.md"])
    try "d".write(toFile: folder + "/.day01.md.swp", atomically: false, encoding: .utf8)
    #expect(watch.changes(limit: 50).isEmpty)
  }
}
