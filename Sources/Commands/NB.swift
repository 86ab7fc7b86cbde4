// The command line. Each subcommand reads, calls the line of Notebooks/internals/architecture.md,
// prints diagnostics on stderr and results on stdout, and chooses the exit code.

import ArgumentParser

public struct NB: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "nb",
    abstract: "Runs performance lessons: Markdown notebooks whose numbers are measured.",
    version: version,
    subcommands: [
      InitCommand.self, NewCommand.self, RunCommand.self, CheckCommand.self, BuildCommand.self, ServeCommand.self, ThemeCommand.self, RenderCommand.self, CleanCommand.self,
      AcceptCommand.self, ExplainCommand.self, StatusCommand.self, SchemaCommand.self, FormatCommand.self, MoveCommand.self, LogCommand.self, RunbookCommand.self,
      LoadCommand.self, LabCommand.self, DataCommand.self, SLOCommand.self, BenchCommand.self, SimCommand.self, ObserveCommand.self,
      HistoryCommand.self, VerifyCommand.self, GradeCommand.self, DoctorCommand.self, SelfcheckCommand.self,
      MarketCommand.self, TrustCommand.self, LSPCommand.self,
    ])

  public static let version = "0.1.0"

  public init() {}

  public func run() throws {
    Output.standard(
      """
      nb \(Self.version): performance lessons that measure.

        nb run day08.md           run a lesson: tables in the notebook, a page in _site/
        nb trust FILE             let another notebook execute its code; --show lists it
        nb check day08.md         every mistake at once; measures nothing
        nb grade day08.md         its exercise: the gates against saved results
        nb build                  the course site from saved results; `nb serve` shows it live
        nb load URL --rate 2k     load on a server of this machine, with honest times
        nb bench 'a' 'b'          commands beside each other, with a verdict
        nb sim mm1 --set rho=0.9  a queue simulated beside its closed form
        nb lab serve shop         a lab system for your own load tool
        nb data export orders     its seeded rows for your own database
        nb slo import FILE        an OpenSLO file as blocks; `nb slo export` the way back

      `nb help run` explains a command; exit codes: 0 passed, 1 error, 2 a threshold failed,
      3 inconclusive, 64 usage, 130 interrupted.

      """)
  }

  /// Entry point of the executable.
  public static func run() {
    // Before the tree of commands is made, which takes some milliseconds: scripts ask this often.
    if commandWords == ["--version"] {
      Output.standard(version + "\n")
      return Output.exitIfLost()
    }
    do {
      var command = try parseAsRoot(commandWords)
      try command.run()
    } catch {
      Output.exitIfLost()
      exit(withError: error)
    }
    Output.exitIfLost()
  }
}

/// Exit codes that scripts and CI rely on.
enum Exit {
  static let failed = ExitCode(1)
  static let threshold = ExitCode(2)
  static let inconclusive = ExitCode(3)
  static let interrupted = ExitCode(130)
}
