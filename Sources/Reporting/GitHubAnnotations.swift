// Annotations beside the lines of a pull request, by GitHub's workflow commands on standard output:
// `::error file=…,line=…,title=…::message`. The escapes are those of the format (actions/toolkit, core/src/command.ts).

import ExperimentModel

/// One line for each case that did not pass: `error` for a failure or a failed block, `warning` for what could not be decided,
/// `notice` for what this machine cannot run.
///
/// GitHub shows ten errors and ten warnings of a step and drops the rest, so the most important suites come first.
public func githubAnnotations(_ suites: [CheckSuite]) -> String {
  suites.flatMap { suite in suite.cases.compactMap { annotation($0, in: suite) } }.map { $0 + "\n" }.joined()
}

private func annotation(_ one: CheckCase, in suite: CheckSuite) -> String? {
  let command: String
  switch one.outcome {
  case .pass: return nil
  case .fail, .error: command = "error"
  case .inconclusive: command = "warning"
  case .notRun: command = "notice"
  }
  var properties = ["file=\(escapedProperty(suite.notebook))"]
  if let line = one.line { properties.append("line=\(line)") }
  properties.append("title=\(escapedProperty(one.name))")
  let message = one.message.isEmpty ? one.outcome.rawValue : one.message
  return "::\(command) \(properties.joined(separator: ","))::\(escapedData(message))"
}

/// A message: `%`, CR and LF escaped. Other control characters and those that turn the direction of text have no escape and go.
func escapedData(_ text: String) -> String {
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "%": out += "%25"
    case "\r": out += "%0D"
    case "\n": out += "%0A"
    default: out += oneLine(String(scalar))
    }
  }
  return out
}

/// A property's value: `:` and `,` escaped as well, since they end it.
func escapedProperty(_ text: String) -> String {
  var out = ""
  for scalar in escapedData(text).unicodeScalars {
    switch scalar {
    case ":": out += "%3A"
    case ",": out += "%2C"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out
}
