// The `money` of course.yml: the numbers of a company, which stand in for inputs that a `cost` block leaves out.

import ExperimentModel
import StrictYAML
import TextModel

/// Every number of `money` with its unit, by name; names such as the company's, which are none, are left out.
/// The file's own mistakes are reported by whoever reads the rest of it.
public func courseMoney(_ source: SourceText) -> [String: Quantity] {
  var findings = Diagnostics()
  let entries = YAMLNode(parsing: source, diagnostics: &findings)?["money"]?.entries ?? []
  return Dictionary(
    entries.compactMap { entry in entry.value.text.flatMap(parseQuantity).map { (entry.key, $0) } }, uniquingKeysWith: { first, _ in first })
}
