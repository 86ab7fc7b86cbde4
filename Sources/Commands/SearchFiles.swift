// The files of search that a build has to write: all of them, or those of the words that a few changed pages lost or gained.

import CourseSite
import Foundation
import TextModel

struct SearchFiles {
  /// Of the site.
  let folder: String
  /// Paths of the pages that the present files are about, in their order; nil: they cannot be relied on.
  let before: [String]?
  /// How many of the pages are lessons.
  let lessons: Int

  func add(to made: inout MadeSite) {
    let paths = made.records.pages.map(\.path).filter(Site.isSearched)
    let files = update(paths, made.files) ?? all(paths, made.files)
    for file in files { made.files[file.path] = file.bytes }
  }

  private func page(_ path: String, _ bytes: [UInt8]) -> SearchPage { SearchPage(SitePage(path: path, html: String(decoding: bytes, as: UTF8.self))) }

  private func present(_ path: String) -> [UInt8]? { try? readFile(folder + "/" + path, limit: 64 << 20) }

  /// From nothing; pages that stay are read back.
  private func all(_ paths: [String], _ files: [String: [UInt8]]) -> [SiteAsset] {
    let pages = concurrently(paths) { path in (files[path] ?? present(path)).map { page(path, $0) } }.compactMap { $0 }
    let index = SearchIndex(pages: pages.map { ($0.path, $0.title) }, lessons: lessons)
    return [index.pagesFile] + index.shards(pages.map(\.terms)) + pages.map(SearchIndex.detailFile)
  }

  /// nil: the list of pages changed, or so many of them that all is less work.
  private func update(_ paths: [String], _ files: [String: [UInt8]]) -> [SiteAsset]? {
    let rewritten = paths.enumerated().filter { files[$0.element] != nil }
    guard before == paths, rewritten.count <= max(8, paths.count / 50) else { return nil }
    let index = SearchIndex(pages: paths.map { ($0, "") }, lessons: lessons)
    var titles: [Int: String] = [:]
    var shards: [Int: [UInt8]] = [:]
    var made: [SiteAsset] = []
    for (place, path) in rewritten {
      guard let bytes = present(path), let new = files[path] else { return nil }
      let read = concurrently([bytes, new]) { page(path, $0) }
      let (was, now) = (read[0], read[1])
      if was == now { continue }
      if now.title != was.title { titles[place] = now.title }
      made.append(SearchIndex.detailFile(now))
      guard let changed = index.updated(place, from: was.terms, to: now.terms, shard: { shards[$0] ?? present(SearchIndex.shardPath($0)) }) else { return nil }
      for (number, bytes) in changed { shards[number] = bytes }
    }
    if !titles.isEmpty {
      guard var pages = present(SearchIndex.pagesPath).flatMap(SearchIndex.pages), pages.count == paths.count else { return nil }
      for (place, title) in titles { pages[place].title = title }
      made.append(SearchIndex(pages: pages, lessons: lessons).pagesFile)
    }
    return made + shards.map { SiteAsset(path: SearchIndex.shardPath($0), bytes: $1) }
  }
}
