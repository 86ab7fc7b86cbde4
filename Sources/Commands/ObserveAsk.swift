// `nb observe ask`: the questions of observe blocks to a capture of any program's telemetry.

import ArgumentParser
import ExperimentModel
import PerfLanguage
import Reporting
import TelemetryCollector
import TelemetryModel
import TextModel

extension ObserveCommand {
  struct Ask: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ask", abstract: "Ask a capture what an observe block asks a lab; without a query, list them.",
      discussion: """
        nb observe ask shop.otlp red
        nb observe ask shop.otlp lift --where 'http.route==/checkout' --where 'duration>p(95)'
        nb observe ask shop.otlp critical_path --where 'duration>p(95)' --versus 'duration<p(50)' --html slow.html
        nb observe ask shop.traces.jsonl errors --where 'kind==server' --json

        A capture of `nb observe serve --file` and `nb observe export`, or what a collector has written as OTLP/JSON; several files with --and.
        All conditions must hold: FIELD OPERATOR VALUE with duration, status, kind, name, severity, or the key of an attribute. Exit codes: 2 the
        capture is larger than --max-size, or damaged, and the answer is of the rest.
        """)

    @Argument(help: "A capture, OTLP/JSON or OTLP protobuf; - reads a capture from stdin.") var capture: String?
    @Argument(help: "What is asked, such as red.") var query: String?
    @Option(name: .customLong("and"), help: "Another file of the same run; may be repeated.") var others: [String] = []
    @Option(name: .customLong("where"), help: "A condition on what is chosen, such as 'duration>p(95)'; may be repeated.") var conditions: [String] = []
    @Option(help: "A condition on what the chosen are held against; may be repeated.") var versus: [String] = []
    @Option(help: "KEY,…: what rows are called by.") var groupBy: String?
    @Option(help: "COLUMN,…: which columns, in this order.") var show: String?
    @Option(help: "Rows at most; 8 unless given.") var rows: String?
    @Option(help: "For lift: traces, spans or logs are counted.") var source: String?
    @Option(help: "For metric_red and exemplars: the name of a histogram.") var metric: String?
    @Option(help: "For apdex: T, such as 300ms.") var threshold: String?
    @Option(help: "For sampling: the share of traces that is kept, such as 10pct.") var samplingHead: String?
    @Option(help: "What protobuf files hold: traces, metrics or logs, where their names do not say it.") var signal: TelemetrySignal?
    @Option(help: "Bytes of requests that are read at most.") var maxSize = "256MiB"
    @Flag(help: "One JSON object on stdout, nothing else.") var json = false
    @Option(help: "A self-contained page with the pictures.") var html: String?
    @Flag(help: "Only ASCII characters.") var ascii = false

    func validate() throws {
      guard typedSize(maxSize) != nil else { throw ValidationError("--max-size is a size such as 256MiB") }
      if query != nil { _ = try kind() }
    }

    func run() throws {
      guard let capture, query != nil else {
        Output.standard(queriesText(style: style))
        return
      }
      Interrupts.watch()
      guard let question = try question() else { throw Exit.failed }
      var files = TelemetryFiles(bytesMax: typedSize(maxSize) ?? 256 << 20)
      do {
        for path in [capture] + others { try files.add(path, signal: signal, isCancelled: { Interrupts.requested }) }
        if Interrupts.requested { throw Exit.interrupted }
        try tell(question, files.capture, files, of: capture)
      } catch let error as CollectorError {
        Output.failure(error.diagnostic)
        throw Exit.failed
      } catch let error as FileError {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
      if files.requestsLeftOut > 0 || files.damagedBytes > 0 { throw Exit.threshold }
    }

    private var style: TerminalStyle { TerminalStyle(ascii: ascii) }

    private func kind() throws -> TelemetryQuery.Kind {
      if let kind = query.flatMap(TelemetryQuery.Kind.init) { return kind }
      let names = TelemetryQuery.Kind.allCases.map(\.rawValue).sorted()
      throw ValidationError("`\(query ?? "")` is no query of telemetry; they are \(names.joined(separator: ", "))")
    }

    /// What was typed, read as a block's keys are; nil after a report.
    private func question() throws -> TypedTelemetryQuestion? {
      let kind = try kind()
      func list(_ text: String?) -> [String] { text.map { $0.split(separator: ",").map { String($0) } } ?? [] }
      func one(_ text: String?) -> [String] { text.map { [$0] } ?? [] }
      let block = TypedTelemetryQuestion.block(
        kind,
        [
          ("where", conditions), ("versus", versus), ("group_by", list(groupBy)), ("show", list(show)), ("rows", one(rows)), ("source", one(source)),
          ("metric", one(metric)), ("threshold", one(threshold)), ("head", one(samplingHead)),
        ])
      var diagnostics = Diagnostics()
      let question = TypedTelemetryQuestion(kind, block: block, diagnostics: &diagnostics)
      Output.diagnostics(diagnostics, in: block)
      return question
    }

    private func tell(_ question: TypedTelemetryQuestion, _ capture: TelemetryCapture, _ files: TelemetryFiles, of path: String) throws {
      let answer = capture.answer(question.query)
      guard !answer.isEmpty else {
        throw CollectorError(
          place: path, cause: "nothing in it answers this: it holds \(capture.contents)",
          remedy: "look with fewer conditions, or add the file of the signal with --and")
      }
      var result = CellResult(id: question.query.kind.rawValue, kind: "observe", inputs: "", quick: false, evidence: .replay)
      result.doubts = ["asked of \(capture.contents)"].map { Doubt(id: "asked", text: $0) }
      result.take(answer, rows: question.rows, pictures: html != nil)
      result.doubts += losses(capture, files).enumerated().map { Doubt(id: "loss-\($0.offset + 1)", text: $0.element) }
      if let html { try writeFileAtomically(html, Array(answerPage(result, title: "\(question.query.kind.rawValue) of \(path)").utf8)) }
      Output.standard(
        json ? try answerJSON(question.query, answer, rows: question.rows, notes: result.doubts.map(\.text)) : answerText(result, style: style))
    }

    /// What is in no number.
    private func losses(_ capture: TelemetryCapture, _ files: TelemetryFiles) -> [String] {
      [
        (files.requestsLeftOut, "requests are left out: with them the capture is larger than --max-size \(maxSize)"),
        (files.damagedBytes, "bytes of captures belong to no whole request"),
        (files.rejected, "records without a valid id, or whose buckets contradict themselves, are left out"),
        (capture.repeatedSpans, "spans came twice and count once"), (capture.endlessSpans, "spans are longer than 104 days and are left out"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    }
  }
}
