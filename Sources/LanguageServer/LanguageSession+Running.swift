// "Run cell" and "Run lesson" above the blocks, and what becomes of a run: progress where the client shows it, else messages. The run itself is a
// child that the command starts; it works on the file, so a text that was not saved is not run.

import TextModel

extension LanguageSession {
  func lenses(_ parameters: DocumentParams) throws -> [CodeLens] {
    let text = try text(parameters.textDocument)
    guard text.isNotebook else { return [] }
    let analysis = text.analysis(desk)
    let cells = Set(analysis.planned.plan.cells.map(\.id))
    return analysis.blocks.compactMap { block in
      let place = text.source.lspRange(SourceRange(block.fence.lower, block.fence.lower), encoding)
      if block.kind == "lesson" {
        return CodeLens(range: place, command: ClientCommand(title: "▶ Run lesson", command: "nb.run", arguments: [text.uri]))
      }
      guard cells.contains(block.id) else { return nil }
      return CodeLens(range: place, command: ClientCommand(title: "▶ Run cell", command: "nb.run", arguments: [text.uri, block.id]))
    }
  }

  func execute(_ parameters: CommandParams) throws -> String? {
    guard parameters.command == "nb.run" else { throw RequestProblem("there is no command `\(parameters.command)`", code: ErrorCode.invalidParams) }
    guard let uri = parameters.arguments?.first, let path = path(ofURI: uri) else {
      throw RequestProblem("nb.run wants the address of a file, and for one cell its id", code: ErrorCode.invalidParams)
    }
    if let text = texts[uri], desk.read(path) != text.source.bytes {
      let why = "save the notebook first: a run works on the file, and the text here differs from it"
      notify("window/showMessage", ShownMessage(type: 2, message: why))
      throw RequestProblem(why)
    }
    let cell = parameters.arguments.flatMap { $0.count > 1 ? $0[1] : nil }
    let token = "nb-run-\(nextRun)"
    nextRun += 1
    let title = "nb run \(path.split(separator: "/").last.map(String.init) ?? path)" + (cell.map { "#\($0)" } ?? "")
    runs[token] = Run(title: title, isShown: showsProgress)
    if showsProgress {
      ask("window/workDoneProgress/create", TokenParams(token: .text(token)), id: token)
      progress(token, .init(kind: "begin", title: title, cancellable: true))
    }
    want(.run(token: token, path: path, cell: cell))
    return token
  }

  /// A line that the run printed about where it is.
  public func runReported(_ token: String, _ line: String) -> [SessionAction] {
    collected {
      guard let run = runs[token], run.isShown else { return }
      progress(token, .init(kind: "report", message: line))
    }
  }

  /// The run has ended.
  ///
  /// - Parameters:
  ///   - status: its exit code; nil: it was called off or killed.
  ///   - text: the end of what it said.
  public func runEnded(_ token: String, status: Int32?, text: String) -> [SessionAction] {
    collected {
      guard let run = runs.removeValue(forKey: token) else { return }
      let (type, outcome) = Self.outcome(status)
      if run.isShown { progress(token, .init(kind: "end", message: outcome)) }
      let tail = status == 0 || text.isEmpty ? "" : "\n" + text
      notify("window/showMessage", ShownMessage(type: type, message: "\(run.title): \(outcome)\(tail)"))
      for text in texts.values { text.forget() }
      publish()
    }
  }

  /// As the exit codes of nb have it.
  private static func outcome(_ status: Int32?) -> (type: Int, text: String) {
    switch status {
    case 0: (3, "all passed")
    case 2: (2, "a threshold or budget failed")
    case 3: (2, "inconclusive")
    case nil, 130: (2, "called off; what had finished is saved")
    default: (1, "it failed")
    }
  }

  private func progress(_ token: String, _ value: Progress.Value) { notify("$/progress", Progress(token: .text(token), value: value)) }
}
