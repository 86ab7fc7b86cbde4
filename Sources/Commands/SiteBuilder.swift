// `_site/` from a course's notebooks and saved results, doing again only what changed: by the state of files first, then
// by the digest of their contents, then by what a page takes from its neighbours. A build after any change gives the same
// bytes as one from nothing. What is kept for this lies in `.nb/site/` and can be deleted at any time.

import CourseSite
import DocumentModel
import Foundation
import TextModel

struct SiteReport {
  /// Pages of the site.
  var pages: Int
  /// Files that were written, relative to the site.
  var written: Set<String>
  /// What its links and its theme say.
  var findings: [Diagnostic]
}

struct SiteOptions: Sendable {
  var learnerSeed: UInt64?
  /// Instead of the course's.
  var theme: String?
}

struct SiteBuilder {
  let workspace: Workspace
  let options: SiteOptions

  init(_ workspace: Workspace, _ options: SiteOptions = SiteOptions()) { (self.workspace, self.options) = (workspace, options) }

  /// Brings the site up to date.
  ///
  /// - Throws: `FileError`, or `DiagnosedErrors` with the mistakes of all lessons.
  func build() throws -> SiteReport {
    let began = Int64(Date().timeIntervalSince1970 * 1e9)
    let state = workspace.state + "/site"
    let (manifestPath, recordsPath) = (state + "/manifest", state + "/pages")
    let environment = environment
    func comparison() -> (manifest: SiteManifest, changed: Set<String>)? { (try? readFile(manifestPath, limit: 64 << 20)).flatMap { SiteManifest.compared($0) } }
    var before = comparison()
    if let (manifest, changed) = before, changed.isEmpty, manifest.environment == environment {
      return SiteReport(pages: manifest.pages, written: [], findings: manifest.findings)
    }

    try makeFolder(state)
    let lock = open(state + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    defer { close(lock) }
    if flock(lock, LOCK_EX | LOCK_NB) != 0 {
      // Another build is at work: what it leaves is the state to go on from.
      flock(lock, LOCK_EX)
      before = comparison()
    }
    let (old, changed) = before ?? (SiteManifest(), [])
    // Another nb, or another day: nothing of what was kept holds.
    let known = old.environment == environment ? (try? readFile(recordsPath, limit: 256 << 20)).flatMap { SiteRecords($0) } ?? SiteRecords() : SiteRecords()
    let made = try SiteBuild(workspace, options, records: known, changed: changed, state: state).run()
    // A manifest that holds describes what is there: it is made void first and written last.
    SiteManifest.makeVoid(manifestPath)
    let written = try made.write(below: workspace.site, replacing: old)
    try made.keep(in: state)
    try overwriteFile(recordsPath, made.records.bytes)
    let manifest = made.manifest(environment, below: workspace.site, old: old, changed: changed, written: written)
    try SiteManifest.write(manifestPath, manifest.bytes(began: began))
    return SiteReport(pages: made.records.pages.count, written: written, findings: made.findings)
  }

  /// Whatever is no file and decides what is built: nb itself, the day (facts grow stale), the options; and the start of the
  /// machine: what is kept is not forced onto the disk, so after a power cut it may be half.
  private var environment: String {
    let nb = FileState(executablePath())
    let boot = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?.prefix { $0 != "\n" } ?? "-"
    return "\(boot) \(nb.size) \(nb.modified) \(nb.inode) \(today()) \(options.theme ?? "-") \(options.learnerSeed.map { "\($0)" } ?? "-")"
  }
}

/// What a build made: the new files, and what has to be kept.
struct MadeSite {
  var records = SiteRecords()
  /// What is to be said of the theme.
  var notes: [Diagnostic] = []
  /// New or perhaps new, by path relative to the site.
  var files: [String: [UInt8]] = [:]
  /// Of the pages that were made anew, by path.
  var details: [String: SiteDetail] = [:]
  /// Files that were read, or found missing.
  var inputs: Set<String>
  /// Paths, relative to the site, of all that it consists of, and of the folders of search. nil: the same as before, as are
  /// the inputs.
  var outputs: Set<String>?

  var findings: [Diagnostic] { notes + records.findings }

  /// Writes what differs and removes what the site before had and this one has not.
  ///
  /// - Returns: paths of what was written, relative to the site.
  func write(below site: String, replacing old: SiteManifest) throws -> Set<String> {
    for folder in Set(files.keys.map { ($0 as NSString).deletingLastPathComponent } + [SearchIndex.detailFolder]) {
      try makeFolder(site + "/" + folder)
      AtomicFile.removeLeftovers(in: site + "/" + folder)
    }
    let sorted = files.sorted { $0.key < $1.key }
    let done = concurrently(sorted) { path, bytes in Result { () throws(FileError) in try writeFileAtomically(site + "/" + path, bytes, durable: false) } }
    var written: Set<String> = []
    for (file, result) in zip(sorted, done) where try result.get() { written.insert(file.key) }
    guard let outputs else { return written }
    let prefix = site + "/"
    for path in old.entries.filter({ $0.kind == UInt8(ascii: "o") }).map(\.pathText) where path.hasPrefix(prefix) && !outputs.contains(String(path.dropFirst(prefix.count))) {
      unlink(path)
    }
    // Search has many small files: those that nothing leads to any more are found by looking.
    let search = Set(SearchIndex.paths(of: records.pages.map(\.path).filter(Site.isSearched)))
    for folder in [SearchIndex.folder, SearchIndex.detailFolder] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: prefix + folder)) ?? [] where name.hasSuffix(".js") && !search.contains(folder + "/" + name) {
        unlink(prefix + folder + "/" + name)
      }
    }
    return written
  }

  func keep(in state: String) throws {
    try makeFolder(state + "/details")
    let done = concurrently(Array(details)) { path, detail in
      Result { try overwriteFile(SiteBuild.detailPath(state, path), detail.bytes) }
    }
    for result in done { _ = try result.get() }
  }

  func manifest(_ environment: String, below site: String, old: SiteManifest, changed: Set<String>, written: Set<String>) -> SiteManifest {
    var manifest = SiteManifest()
    (manifest.environment, manifest.pages, manifest.findings) = (environment, records.pages.count, findings)
    guard let outputs else {
      manifest.entries = old.entries
      let touched = changed.union(written.map { site + "/" + $0 }).union([SearchIndex.folder, SearchIndex.detailFolder].map { site + "/" + $0 })
      let lengths = Set(touched.map(\.utf8.count))
      for i in manifest.entries.indices where lengths.contains(manifest.entries[i].path.count) {
        let path = manifest.entries[i].pathText
        if touched.contains(path) { manifest.entries[i].lookAgain() }
      }
      return manifest
    }
    manifest.entries = inputs.map { SiteManifest.Entry("i", $0) } + outputs.map { SiteManifest.Entry("o", site + "/" + $0) }
    return manifest
  }
}

/// One digest for several contents in their order.
func contentDigest(_ parts: [[UInt8]]) -> String { contentDigest(Array(parts.map { contentDigest($0) }.joined(separator: " ").utf8)) }
