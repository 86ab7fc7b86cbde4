// Where a name is defined and used, what a notebook holds, and a block's new name. Renaming is of the open notebook, its result markers included;
// other lessons and saved results are `nb mv`'s.

import DocumentModel
import PerfLanguage
import TextModel

extension LanguageSession {
  // MARK: Definition and references

  func definition(at parameters: PlaceParams) throws -> Location? {
    let text = try text(parameters.textDocument)
    guard text.isNotebook else { return nil }
    let analysis = text.analysis(desk)
    let marks = NotebookMarks(analysis)
    guard let mark = marks.mark(at: text.source.offset(parameters.position, encoding)) else { return nil }
    switch mark.thing {
    case .fact(let id):
      guard let (path, places) = desk.facts(text.path), let place = places[id], let bytes = desk.read(path) else { return nil }
      return location(SourceText(path: path, bytes: bytes), place)
    case .elsewhere(let lesson, let block):
      guard let path = desk.lesson(text.path, lesson), let bytes = desk.read(path) else { return nil }
      let source = SourceText(path: path, bytes: bytes)
      let other = NotebookAnalysis(Document(parsing: source), desk.context(path))
      return location(source, block.flatMap { other.block($0)?.idPlace } ?? SourceRange(0, 0))
    default:
      return marks.marks(of: mark.thing).first(where: \.isDefinition).map {
        Location(uri: text.uri, range: text.source.lspRange($0.range, encoding))
      }
    }
  }

  private func location(_ source: SourceText, _ place: SourceRange) -> Location {
    Location(uri: fileURI(source.path), range: source.lspRange(place, encoding))
  }

  func references(_ parameters: ReferenceParams) throws -> [Location] {
    let text = try text(parameters.textDocument)
    guard text.isNotebook else { return [] }
    let marks = NotebookMarks(text.analysis(desk))
    guard let mark = marks.mark(at: text.source.offset(parameters.position, encoding)) else { return [] }
    return marks.marks(of: mark.thing).filter { parameters.context?.includeDeclaration != false || !$0.isDefinition }.map {
      Location(uri: text.uri, range: text.source.lspRange($0.range, encoding))
    }
  }

  // MARK: Renaming

  struct RenamePlace: Encodable {
    var range: TextRange
    var placeholder: String
  }

  func prepareRename(at parameters: PlaceParams) throws -> RenamePlace {
    let (text, _, mark) = try renamed(parameters.textDocument, parameters.position)
    return RenamePlace(range: text.source.lspRange(mark.range, encoding), placeholder: text.source.text(mark.range))
  }

  func rename(_ parameters: RenameParams) throws -> WorkspaceEdit {
    let (text, marks, mark) = try renamed(parameters.textDocument, parameters.position)
    let name = parameters.newName
    guard isBlockName(name) else {
      throw RequestProblem("`\(name)` is not a name: small letters, digits and hyphens, a letter first, such as `hit-curve`", code: ErrorCode.invalidParams)
    }
    let taken: NamedThing = if case .fence = mark.thing { .fence(name) } else { .block(name) }
    guard name == text.source.text(mark.range) || marks.marks(of: taken).isEmpty else { throw RequestProblem("`\(name)` is taken") }
    let edits = marks.marks(of: mark.thing).map { TextEdit(range: text.source.lspRange($0.range, encoding), newText: name) }
    return WorkspaceEdit(changes: [text.uri: edits])
  }

  /// A block or fence that this notebook defines.
  private func renamed(_ name: DocumentName, _ position: Position) throws -> (OpenText, NotebookMarks, NameMark) {
    let text = try text(name)
    guard text.isNotebook else { throw RequestProblem("this is no notebook") }
    let marks = NotebookMarks(text.analysis(desk))
    guard let mark = marks.mark(at: text.source.offset(position, encoding)) else { throw RequestProblem("there is no name here") }
    switch mark.thing {
    case .block, .fence: break
    default: throw RequestProblem("only ids of blocks and code fences are renamed")
    }
    guard marks.marks(of: mark.thing).contains(where: \.isDefinition) else {
      throw RequestProblem("`\(text.source.text(mark.range))` is not defined in this notebook")
    }
    return (text, marks, mark)
  }

  // MARK: Outline

  /// Headings nested by level, each with the blocks below it.
  func symbols(_ parameters: DocumentParams) throws -> [DocumentSymbol] {
    let text = try text(parameters.textDocument)
    guard text.isNotebook else { return [] }
    let analysis = text.analysis(desk)
    let headings = analysis.document.outline.map { (place: $0.range, level: $0.level, name: $0.text) }
    let blocks = analysis.blocks.map { block in
      let title = block.node["title"]?.text.map { ": \($0)" } ?? ""
      return Entry(
        level: 7, name: block.id, detail: block.kind + title, kind: Self.blockKind, range: block.fence, selection: block.idPlace, end: block.fence.upper)
    }
    var entries = headings.enumerated().map { i, heading in
      let end = headings[(i + 1)...].first { $0.level <= heading.level }?.place.lower ?? text.source.bytes.count
      let name = heading.name.isEmpty ? "(no title)" : heading.name
      return Entry(
        level: heading.level, name: name, detail: nil, kind: Self.headingKind, range: SourceRange(heading.place.lower, max(end, heading.place.upper)),
        selection: heading.place, end: end)
    }
    entries = (entries + blocks).sorted { ($0.range.lower, $0.level) < ($1.range.lower, $1.level) }
    var at = 0
    return nested(entries, &at, below: 0, text.source)
  }

  private struct Entry {
    var level: Int
    var name: String
    var detail: String?
    var kind: Int
    var range: SourceRange
    var selection: SourceRange
    var end: Int
  }

  /// The protocol's `String` for headings, as editors show Markdown's, and `Function` for blocks.
  private static let headingKind = 15
  private static let blockKind = 12

  private func nested(_ entries: [Entry], _ at: inout Int, below level: Int, _ source: SourceText) -> [DocumentSymbol] {
    var symbols: [DocumentSymbol] = []
    while at < entries.count, entries[at].level > level {
      let entry = entries[at]
      at += 1
      let children = nested(entries, &at, below: entry.level, source)
      symbols.append(
        DocumentSymbol(
          name: entry.name, detail: entry.detail, kind: entry.kind, range: source.lspRange(entry.range, encoding),
          selectionRange: source.lspRange(entry.selection, encoding), children: children))
    }
    return symbols
  }
}
