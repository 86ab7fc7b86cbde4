// A lesson into the list of course.yml, as an insertion of bytes: comments, order and style of the file stay its author's.

import StrictYAML
import TextModel

extension Course {
  /// The edit that puts `id` into `lessons:`, behind the listed lesson of the day before it where ids end in numbers, else last.
  ///
  /// - Returns: nil when the list already has it, or when the file has no list (lessons are then in the order of their names).
  public static func adding(_ id: String, to source: SourceText) -> Edit? {
    var ignored = Diagnostics()
    guard let list = YAMLNode(parsing: source, diagnostics: &ignored)?["lessons"], let items = list.items,
      !items.contains(where: { $0.text == id })
    else { return nil }
    guard let last = items.last else {
      // `[]`: between its brackets.
      return Edit(SourceRange(list.range.lower + 1, list.range.lower + 1), id)
    }
    let day = number(of: id)
    let before = items.last { item in number(of: item.text ?? "").flatMap { n in day.map { n < $0 } } ?? false }
    let isFlow = source.bytes[list.range.lower] == 0x5B
    if isFlow {
      if let before { return Edit(SourceRange(before.range.upper, before.range.upper), ", \(id)") }
      let place = day == nil ? last.range.upper : items[0].range.lower
      return Edit(SourceRange(place, place), day == nil ? ", \(id)" : "\(id), ")
    }
    let neighbour = before ?? last
    let line = source.line(at: neighbour.range.lower)
    let indent = source.text(SourceRange(source.lineRange(line).lower, neighbour.range.lower))
    let content = source.contentRange(ofLine: line)
    return Edit(SourceRange(content.upper, content.upper), source.lineEnding + indent + id)
  }

  /// Of `day08`: 8; nil without a number at the end.
  private static func number(of id: String) -> Int? {
    let digits = id.reversed().prefix { $0.isASCII && $0.isNumber }
    return digits.isEmpty ? nil : Int(String(digits.reversed()))
  }
}
