// A program that is run for its effect or its words, not for its time: git and tar of a regression check. With the
// care of a subject: own process group, ended after a time, everything it leaves behind cleared away.

import ExperimentModel
import Glibc

/// Runs a program once and returns what it printed on stdout, at most a mebibyte of it.
///
/// - Parameters:
///   - name: for messages.
///   - folder: working folder; nil: nb's own.
///   - timeout: seconds.
/// - Throws: `MeasureError` with what it said when it is missing, fails or takes too long.
public func runProgram(
  _ argv: [String], name: String, folder: String? = nil, timeout: Double = 120
) throws(MeasureError) -> String {
  let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
  guard nothing >= 0 else { throw MeasureError("\(name): /dev/null cannot be opened") }
  defer { close(nothing) }
  var plan = ExecutionPlan(input: nothing, nothing: nothing, captures: true, timeout: timeout)
  plan.outputLimit = 1 << 30
  plan.kept = 1 << 20
  let done = try Launcher(name: name, argv: argv, folder: folder, endsWithParent: true).execute(plan)
  guard done.end.isSuccess else {
    let said = done.errors.map { PipeReader.quoted($0) } ?? ""
    throw MeasureError("\(name) failed: \(done.end)\(said)", remedy: "run it by hand: \(argv.joined(separator: " "))")
  }
  return String(decoding: done.output?.head ?? [], as: UTF8.self)
}
