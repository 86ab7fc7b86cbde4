// A notebook as HTML: CommonMark by libcmark, with GFM's tables, task lists, strikethrough and
// autolinks, footnotes, callouts, heading anchors, colours for code, and nb's own parts. Raw HTML
// stays out unless asked for. Pages around it are CourseSite's.

import CCmark
import TextModel

public struct HTMLOptions: Sendable {
  /// Keep raw HTML, and links to `javascript:` and the like.
  public var unsafe = false
  /// Only CommonMark, byte for byte as the `cmark` program prints it; nothing of nb's.
  public var plainCommonMark = false
  /// As a page of a site has it: words in its language, tables in boxes that scroll, what was never measured says so. nil: GFM's own form.
  public var words: HTMLWords?
  public init() {}
}

/// What the renderer itself says on a page.
public struct HTMLWords: Sendable {
  /// By kind: `note`, `tip`, `important`, `warning`, `caution`.
  public var callouts: [String: String]
  public var footnotes: String
  public var backToText: String
  public var perfBlock: String
  /// Stands where a live value was never measured.
  public var pending: String
  /// Names a table by its number on the page.
  public var table: @Sendable (Int) -> String
  public init(
    callouts: [String: String], footnotes: String, backToText: String, perfBlock: String, pending: String, table: @escaping @Sendable (Int) -> String
  ) {
    (self.callouts, self.footnotes, self.backToText) = (callouts, footnotes, backToText)
    (self.perfBlock, self.pending, self.table) = (perfBlock, pending, table)
  }
}

public struct Heading: Hashable, Sendable {
  /// 1 to 6.
  public var level: Int
  /// The anchor: GitHub's rule, unique in the document.
  public var id: String
  public var text: String
  public init(level: Int, id: String, text: String) { (self.level, self.id, self.text) = (level, id, text) }
}

public struct RenderedDocument: Sendable {
  public var html: String
  public var headings: [Heading]
}

extension Document {
  /// The document as an HTML fragment.
  ///
  /// - Parameters:
  ///   - additions: trusted HTML (a plot) by region id, put at the end of that region's section.
  ///   - fenceAdditions: trusted HTML by fence id (`#id`, or `id:` of a perf block), put after it.
  public func html(
    _ options: HTMLOptions, additions: [String: String] = [:], fenceAdditions: [String: String] = [:]
  ) -> RenderedDocument {
    // A text that is not read is shown as it is written.
    guard isReadable else { return RenderedDocument(html: "<pre>\(escaped(source.text(SourceRange(0, source.bytes.count))))</pre>\n", headings: []) }
    if options.plainCommonMark {
      let html = commonMarkHTML(source.bytes, unsafe: options.unsafe)
      return RenderedDocument(html: String(decoding: html, as: UTF8.self), headings: [])
    }
    func render(footnotes: Bool) -> HTMLRenderer? {
      let input = RenderSource(self, footnotes: footnotes)
      // Without its notes a text can be another one, and take longer.
      if !input.notes.isEmpty, input.main.withUnsafeBufferPointer({ ReadingCost.obstacle(in: $0) }) != nil { return nil }
      var renderer = HTMLRenderer(input, options, additions: additions, fenceAdditions: fenceAdditions)
      if !input.tables.isEmpty {
        // All cells in one batch, each as a heading (which can hold neither blocks nor definitions),
        // before the document itself for its reference definitions.
        var batch: [UInt8] = []
        for cell in input.cells { batch += Array("# ".utf8) + cell + Array(" \(input.token("c", 0))\n".utf8) }
        withCmarkTree(batch + [0x0A] + input.main) { renderer.renderCells($0, count: input.cells.count) }
      }
      withCmarkTree(input.main) { renderer.render($0) }
      return renderer
    }
    // Notes swallowed by a block that never ends: without footnotes nothing is lost.
    var renderer = render(footnotes: true).flatMap { $0.foundAllNotes ? $0 : nil } ?? render(footnotes: false)!
    return renderer.finished()
  }
}

/// GitHub's anchors: lowercase, punctuation dropped, spaces to hyphens, `-1`, `-2` for repetitions.
struct Anchors {
  private var used: [String: Int] = [:]

  mutating func anchor(for text: String) -> String {
    var slug = ""
    for scalar in text.lowercased().unicodeScalars {
      if scalar == " " || scalar == "-" {
        slug += "-"
      } else if scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar.properties.isDiacritic && !scalar.isASCII {
        slug.unicodeScalars.append(scalar)
      }
    }
    if slug.isEmpty { slug = "section" }
    guard var number = used[slug] else {
      used[slug] = 0
      return slug
    }
    var candidate: String
    repeat {
      number += 1
      candidate = "\(slug)-\(number)"
    } while used[candidate] != nil
    used[slug] = number
    used[candidate] = 0
    return candidate
  }
}
