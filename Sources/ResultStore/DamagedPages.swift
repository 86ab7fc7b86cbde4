// Rows out of the pages of a database that SQLite no longer reads: every page is looked at by itself, as a leaf of the table
// of results. The format is that of sqlite.org/fileformat2.html: a leaf's cells are the size of the record, the row's number,
// the record, and where that is too long the number of the first of a chain of pages with the rest.

import Foundation
import TextModel

struct DamagedPages {
  private let size: Int
  /// Bytes of a page that are used.
  private let usable: Int
  /// The main file with the log's pages over it: what an undamaged database would show.
  private var current: [UInt32: [UInt8]] = [:]
  /// Every page image there is, of the main file and of the log, the newest first.
  private var images: [[UInt8]] = []

  init(_ path: String) {
    let main = (try? readFile(path, limit: 4 << 30)) ?? []
    let log = (try? readFile(path + "-wal", limit: 4 << 30)) ?? []
    func isSize(_ n: Int) -> Bool { n >= 512 && n <= 65_536 && n & (n - 1) == 0 }
    let inHeader = main.count >= 100 && main.starts(with: Array("SQLite format 3\0".utf8)) ? Int(main[16]) << 8 | Int(main[17]) : 0
    let inLog = log.count >= 12 ? Int(Self.number(log, 8)) : 0
    size = inHeader == 1 ? 65_536 : isSize(inHeader) ? inHeader : isSize(inLog) ? inLog : 4_096
    let reserved = isSize(inHeader) ? Int(main[20]) : 0
    usable = size - (reserved <= size - 480 ? reserved : 0)
    for (index, start) in stride(from: 0, to: main.count, by: size).enumerated() {
      // The last page of a file that was cut may be short.
      let page = Array(main[start..<min(start + size, main.count)]) + [UInt8](repeating: 0, count: max(0, start + size - main.count))
      current[UInt32(index + 1)] = page
      images.append(page)
    }
    var frames: [[UInt8]] = []
    for start in stride(from: 32, to: log.count - 24 - size + 1, by: 24 + size) {
      let page = Array(log[start + 24..<start + 24 + size])
      // A frame of an older round of the log has another salt.
      if log[start + 8..<start + 16] == log[16..<24] { current[Self.number(log, start)] = page }
      frames.append(page)
    }
    images = frames.reversed() + images
  }

  /// Every row that a page still shows, whole or not; of two with one number the newer first.
  func rows() -> [Salvage.Saved] {
    var seen: Set<Salvage.Saved> = []
    var rows: [Salvage.Saved] = []
    for page in current.sorted(by: { $0.key < $1.key }).map(\.value) + images {
      for row in self.rows(of: page) where seen.insert(row).inserted { rows.append(row) }
    }
    return rows
  }

  private func rows(of page: [UInt8]) -> [Salvage.Saved] {
    // The first page of a file begins with the file's header. It holds the schema and no results.
    guard page.count == size, page[0] == 0x0D else { return [] }
    let count = Int(page[3]) << 8 | Int(page[4])
    guard 8 + 2 * count <= size else { return [] }
    return (0..<count).compactMap { index in
      let at = Int(page[8 + 2 * index]) << 8 | Int(page[9 + 2 * index])
      return at >= 8 + 2 * count && at < usable ? row(at: at, of: page) : nil
    }
  }

  private func row(at start: Int, of page: [UInt8]) -> Salvage.Saved? {
    var at = start
    guard let length = Self.varint(page, &at), let id = Self.varint(page, &at), length > 8, length < 1 << 30 else { return nil }
    guard let payload = payload(Int(length), page, at) else { return nil }
    return Self.row(id, payload)
  }

  /// The record, with what of it is on other pages.
  private func payload(_ length: Int, _ page: [UInt8], _ at: Int) -> [UInt8]? {
    let most = usable - 35
    guard length > most else { return at + length <= usable ? Array(page[at..<at + length]) : nil }
    let least = (usable - 12) * 32 / 255 - 23
    let wanted = least + (length - least) % (usable - 4)
    let local = wanted <= most ? wanted : least
    guard at + local + 4 <= usable else { return nil }
    var bytes = Array(page[at..<at + local])
    var next = Self.number(page, at + local)
    // A chain that leads in a circle ends with the length.
    while bytes.count < length, next != 0, let more = current[next] {
      bytes += more[4..<min(usable, 4 + length - bytes.count)]
      next = Self.number(more, 0)
    }
    // A chain that is broken leaves a row that was seen and cannot be read.
    return bytes + [UInt8](repeating: 0, count: length - bytes.count)
  }

  /// A record of the table `result`: the number itself stands as NULL, columns of later versions follow.
  private static func row(_ id: Int64, _ bytes: [UInt8]) -> Salvage.Saved? {
    var at = 0
    guard let header = varint(bytes, &at), header >= 9, header <= 100, Int(header) <= bytes.count else { return nil }
    var types: [Int64] = []
    while at < Int(header) {
      guard let type = varint(bytes, &at) else { return nil }
      types.append(type)
    }
    func isText(_ i: Int) -> Bool { types[i] >= 13 && types[i] & 1 == 1 }
    func isBlob(_ i: Int) -> Bool { types[i] >= 12 && types[i] & 1 == 0 }
    guard types.count >= 8, types[0] == 0, isText(1), isText(2), isText(3), (1...9).contains(types[4]), isText(5), isBlob(6), isBlob(7) else { return nil }
    var fields: [ArraySlice<UInt8>] = []
    var start = Int(header)
    for type in types.prefix(8) {
      guard let width = width(type), start + width <= bytes.count else { return nil }
      fields.append(bytes[start..<start + width])
      start += width
    }
    guard let lesson = String(validating: fields[1], as: UTF8.self), let cell = String(validating: fields[2], as: UTF8.self),
      let inputs = String(validating: fields[3], as: UTF8.self), let finished = String(validating: fields[5], as: UTF8.self)
    else { return nil }
    let quick = types[4] == 9 || types[4] < 8 && fields[4].contains { $0 != 0 }
    return Salvage.Saved(
      id: id, lesson: lesson, cell: cell, inputs: inputs, quick: quick, finished: finished, stamp: Data(fields[6]), value: Data(fields[7]))
  }

  /// Bytes of a value; nil for a type that there is not.
  private static func width(_ type: Int64) -> Int? {
    switch type {
    case 0, 8, 9: 0
    case 1...4: Int(type)
    case 5: 6
    case 6, 7: 8
    case 12...(1 << 31): Int(type - 12) / 2
    default: nil
    }
  }

  private static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 { bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }

  /// One to nine bytes, the most significant first; the ninth has eight bits.
  private static func varint(_ bytes: [UInt8], _ at: inout Int) -> Int64? {
    var value: UInt64 = 0
    for i in 0..<9 {
      guard at < bytes.count else { return nil }
      let byte = bytes[at]
      at += 1
      if i == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
      value = value << 7 | UInt64(byte & 0x7F)
      if byte & 0x80 == 0 { return Int64(bitPattern: value) }
    }
    return nil
  }
}
