// What is kept of every page between builds: the digest of what it was made from (`.nb/site/pages`, one line a page), and
// what other pages and the link check need of it (`.nb/site/details/`, one file a page, read only when somebody asks,
// because of a thousand pages a build usually needs three).

import CourseSite
import Foundation
import TextModel

struct SiteRecord: Sendable {
  private enum Field: Int, CaseIterable {
    case path, lesson, key, surroundings, stored, inputs, attachments, runbooks, anchors, findings
  }
  private static let separator: UInt8 = 0x1F
  /// The whole line, and where its fields end.
  private(set) var line: ArraySlice<UInt8>
  private var ends: [Int]

  /// A page that was just made.
  init(path: String) {
    line = Array(path.utf8)[...] + [UInt8](repeating: 0x09, count: Field.allCases.count - 1)
    ends = Self.ends(line)
  }

  init?(line: ArraySlice<UInt8>) {
    self.line = line
    ends = Self.ends(line)
    guard ends.count == Field.allCases.count else { return nil }
  }

  private static func ends(_ line: ArraySlice<UInt8>) -> [Int] {
    var ends: [Int] = []
    ends.reserveCapacity(Field.allCases.count)
    line.withUnsafeBufferPointer { bytes in
      for i in bytes.indices where bytes[i] == 0x09 { ends.append(i) }
    }
    return (ends + [line.count]).map { $0 + line.startIndex }
  }

  /// Relative to the site.
  var path: String { self[.path] }
  /// Of a lesson's page; nil for the course's own.
  var lesson: LessonLink? {
    get {
      let link = list(.lesson)
      return link.count == 3 ? LessonLink(id: link[1], title: link[2], day: Int(link[0])) : nil
    }
    set { set(.lesson, newValue.map { [$0.day.map(String.init) ?? "-", $0.id, $0.title] } ?? []) }
  }
  /// Digest of the contents of `inputs`, of what all pages depend on, and of `stored`.
  var key: String { get { self[.key] } set { self[.key] = newValue } }
  /// Digest of what the page takes from other lessons.
  var surroundings: String { get { self[.surroundings] } set { self[.surroundings] = newValue } }
  /// The newest result that the store had of the lesson.
  var stored: Int { get { Int(self[.stored]) ?? 0 } set { self[.stored] = String(newValue) } }
  /// Files that it was made from; the notebook is the first.
  var inputs: [String] { get { list(.inputs) } set { set(.inputs, newValue) } }
  /// Files of the course that it shows or links to, relative to the course and to the site, whether they are there or not.
  var attachments: [String] { get { list(.attachments) } set { set(.attachments, newValue) } }
  var hasRunbooks: Bool { get { !self[.runbooks].isEmpty } set { self[.runbooks] = newValue ? "r" : "" } }
  /// Digest of its anchors.
  var anchors: String { get { self[.anchors] } set { self[.anchors] = newValue } }
  /// What the link check found on it.
  var findings: [Diagnostic] {
    get {
      let found = list(.findings)
      return stride(from: 0, to: found.count - 1, by: 2).map {
        Diagnostic("broken-link", .warning, found[$0], remedy: found[$0 + 1], path: path)
      }
    }
    set { set(.findings, newValue.flatMap { [$0.cause, $0.remedy ?? ""] }) }
  }
  var hasFindings: Bool { !bytes(.findings).isEmpty }
  var isLesson: Bool { !bytes(.lesson).isEmpty }

  private func bytes(_ field: Field) -> ArraySlice<UInt8> {
    line[(field.rawValue == 0 ? line.startIndex : ends[field.rawValue - 1] + 1)..<ends[field.rawValue]]
  }

  private subscript(field: Field) -> String {
    get { String(decoding: bytes(field), as: UTF8.self) }
    set {
      let old = bytes(field)
      line.replaceSubrange(old.startIndex..<old.endIndex, with: newValue.utf8)
      ends = Self.ends(line)
    }
  }

  private func list(_ field: Field) -> [String] {
    let bytes = bytes(field)
    return bytes.isEmpty ? [] : bytes.split(separator: Self.separator, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
  }

  private mutating func set(_ field: Field, _ list: [String]) { self[field] = Self.plain(list.joined(separator: String(UnicodeScalar(Self.separator)))) }

  private static func plain(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x09 || $0 == 0x0A }) else { return text }
    return text.replacingOccurrences(of: "\t", with: " ").replacingOccurrences(of: "\n", with: " ")
  }
}

/// The part of a record that few ask for.
struct SiteDetail: Sendable {
  var anchors: [String]
  var addresses: [String]
  /// Of a lesson, for the course's own pages; as JSON, which can be compared without being read.
  var summaryBytes: [UInt8]

  var summary: LessonSummary? { try? JSONDecoder().decode(LessonSummary.self, from: Data(summaryBytes)) }

  func links(_ path: String) -> PageLinks { PageLinks(path: path, anchors: anchors, addresses: addresses) }

  init(_ links: PageLinks, _ summary: LessonSummary?) { (anchors, addresses, summaryBytes) = (links.anchors, links.addresses, summary.map(Self.bytes) ?? []) }

  /// Three lines: anchors, addresses, the summary as JSON.
  init?(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count == 4 else { return nil }
    func list(_ line: ArraySlice<UInt8>) -> [String] { line.split(separator: 0x1F).map { String(decoding: $0, as: UTF8.self) } }
    (anchors, addresses) = (list(lines[0]), list(lines[1]))
    summaryBytes = Array(lines[2])
  }

  var bytes: [UInt8] {
    func line(_ list: [String]) -> String { list.joined(separator: "\u{1F}").split(separator: "\n").joined(separator: " ") }
    return Array("\(line(anchors))\n\(line(addresses))\n".utf8) + summaryBytes + [0x0A]
  }

  static func bytes(of summary: LessonSummary) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(summary)).map(Array.init) ?? []
  }
}

/// All records of a build, under a line that says what they hold for.
struct SiteRecords: Sendable {
  /// Digest of what all pages depend on, and of all that they take from each other.
  var shared = ""
  var framing = ""
  /// In the order of the site: lessons, then the course's own pages.
  var pages: [SiteRecord] = []

  init() {}

  init?(_ bytes: [UInt8]) {
    var starts = [0]
    bytes.withUnsafeBufferPointer { buffer in
      for i in buffer.indices where buffer[i] == 0x0A { starts.append(i + 1) }
    }
    guard starts.count > 1, starts.last == bytes.count else { return nil }
    let head = bytes[..<(starts[1] - 1)].split(separator: 0x09, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    guard head.count == 3, head[0] == "nb-pages 2" else { return nil }
    (shared, framing) = (head[1], head[2])
    for (start, end) in zip(starts.dropFirst(), starts.dropFirst(2)) {
      guard let record = SiteRecord(line: bytes[start..<end - 1]) else { return nil }
      pages.append(record)
    }
  }

  var bytes: [UInt8] {
    var bytes = Array("nb-pages 2\t\(shared)\t\(framing)\n".utf8)
    bytes.reserveCapacity(pages.reduce(bytes.count) { $0 + $1.line.count + 1 })
    for page in pages {
      bytes += page.line
      bytes.append(0x0A)
    }
    return bytes
  }

  /// In order of page.
  var findings: [Diagnostic] { pages.filter(\.hasFindings).sorted { $0.path < $1.path }.flatMap(\.findings) }
}
