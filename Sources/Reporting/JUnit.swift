// JUnit XML, the form in which CI servers read test results. There is no standard; these are the elements and attributes
// that the common readers share. A time attribute is optional and left out: a case's share of a run was not measured.

import ExperimentModel

/// The suites as one document: `failure` for what does not hold, `error` for a failed block, `skipped` with the reason for
/// what could not be decided or run.
public func junitXML(_ suites: [CheckSuite]) -> String {
  func total(_ outcome: CheckOutcome) -> Int { suites.reduce(0) { $0 + $1.count(outcome) } }
  var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
  out += "<testsuites name=\"nb\" "
  out += counts(suites.reduce(0) { $0 + $1.cases.count }, total(.fail), total(.error), total(.inconclusive) + total(.notRun)) + ">\n"
  for suite in suites {
    let numbers = counts(suite.cases.count, suite.count(.fail), suite.count(.error), suite.count(.inconclusive) + suite.count(.notRun))
    out += "  <testsuite name=\"\(attribute(suite.notebook))\" \(numbers) file=\"\(attribute(suite.notebook))\">\n"
    for one in suite.cases { out += testCase(one, in: suite) }
    out += "  </testsuite>\n"
  }
  return out + "</testsuites>\n"
}

private func counts(_ tests: Int, _ failures: Int, _ errors: Int, _ skipped: Int) -> String {
  "tests=\"\(tests)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
}

private func testCase(_ one: CheckCase, in suite: CheckSuite) -> String {
  let line = one.line.map { " line=\"\($0)\"" } ?? ""
  let notebook = attribute(suite.notebook)
  let open = "    <testcase name=\"\(attribute(one.name))\" classname=\"\(notebook)\" file=\"\(notebook)\"\(line)"
  let message = "message=\"\(attribute(one.message))\""
  let close = "    </testcase>\n"
  switch one.outcome {
  case .pass: return open + "/>\n"
  // `skipped` has no text: some readers' schemas allow none.
  case .inconclusive, .notRun: return open + ">\n      <skipped \(message)/>\n" + close
  case .fail: return open + ">\n      <failure \(message) type=\"check\">\(escapedMarkup(one.message))</failure>\n" + close
  case .error: return open + ">\n      <error \(message) type=\"block\">\(escapedMarkup(one.message))</error>\n" + close
  }
}

/// A reader folds line endings of an attribute into spaces anyway; here they are written as such.
private func attribute(_ text: String) -> String { escapedMarkup(oneLine(text)) }
