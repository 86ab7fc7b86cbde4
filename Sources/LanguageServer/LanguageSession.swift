// One editor's session: messages in, messages and wishes out. It opens no file, starts no program and knows no clock; Commands/LSPCommand.swift
// moves the bytes and fulfils the wishes. What an answer holds is decided in LanguageSession+….swift, one file for each thing an editor asks.

import Foundation
import PerfLanguage
import TextModel

/// What the session wants done.
public enum SessionAction: Sendable {
  /// To the client, without its header.
  case send([UInt8])
  /// Run a notebook, or one cell of it, as a child; answered by `runReported` and `runEnded`.
  case run(token: String, path: String, cell: String?)
  case cancelRun(token: String)
  /// For people who look for what went wrong.
  case log(String)
  case exit(Int32)
}

public final class LanguageSession {
  let desk: Desk
  let version: String
  var texts: [String: OpenText] = [:]
  var encoding = PositionEncoding.utf16
  var writesSnippets = false
  var showsProgress = false
  var runs: [String: Run] = [:]
  var nextRun = 1
  private var actions: [SessionAction] = []
  private var cancelled: Set<RequestID> = []
  private var state = State.fresh
  private let encoder = JSONEncoder()
  private let decoder = JSONDecoder()

  private enum State { case fresh, running, shutDown }

  struct Run {
    var title: String
    var isShown: Bool
  }

  /// - Parameter version: of nb, for the client's logs.
  public init(_ desk: Desk, version: String) {
    self.desk = desk
    self.version = version
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  }

  /// Takes what has come in together. A request that is cancelled by a later message of it is not computed; findings are published after all of it.
  public func receive(_ frames: [MessageReader.Frame]) -> [SessionAction] {
    actions = []
    let messages = frames.map(read)
    for case .message(let envelope, let bytes) in messages where envelope.method == "$/cancelRequest" {
      if let parameters = try? decoder.decode(Parameters<CancelParams>.self, from: bytes) { cancelled.insert(parameters.params.id) }
    }
    for message in messages {
      switch message {
      case .message(let envelope, let bytes): handle(envelope, bytes)
      case .failure(let code, let text):
        log(text)
        write(Failure(id: nil, error: .init(code: code, message: text)))
      }
    }
    cancelled = []
    publish()
    return actions
  }

  // MARK: Reading

  private enum Read {
    case message(Envelope, Data)
    case failure(Int, String)
  }

  private func read(_ frame: MessageReader.Frame) -> Read {
    switch frame {
    case .badHeader(let why): return .failure(ErrorCode.parse, "this is not a message: \(why)")
    case .tooLong(let count): return .failure(ErrorCode.invalidRequest, "a message of \(count) bytes; the limit is \(MessageReader.bytesMax)")
    case .message(let bytes):
      let data = Data(withoutLoneSurrogates(bytes))
      do { return .message(try decoder.decode(Envelope.self, from: data), data) } catch {
        return .failure(ErrorCode.parse, "this is not JSON-RPC: \(Self.reason(error))")
      }
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it cannot be read" }
    switch error {
    case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
      return context.debugDescription
    @unknown default: return "it cannot be read"
    }
  }

  // MARK: Dispatch

  private func handle(_ envelope: Envelope, _ bytes: Data) {
    guard let method = envelope.method else {
      // The client's answer to a request of ours, such as the creation of a progress token.
      if envelope.id == nil { write(Failure(id: nil, error: .init(code: ErrorCode.invalidRequest, message: "a message without method and id"))) }
      return
    }
    guard let id = envelope.id else { return notified(method, bytes) }
    if cancelled.contains(id) { return fail(id, ErrorCode.cancelled, "cancelled") }
    switch (state, method) {
    case (.fresh, "initialize"):
      answer(id, bytes) { (parameters: InitializeParams) in self.initialize(parameters) }
    case (.fresh, _): fail(id, ErrorCode.notInitialized, "`initialize` comes first")
    case (.running, "initialize"): fail(id, ErrorCode.invalidRequest, "this session has begun already")
    case (.running, "shutdown"):
      state = .shutDown
      for token in runs.keys.sorted() { actions.append(.cancelRun(token: token)) }
      write(Reply(id: id, result: Empty?.none))
    case (.running, _): request(method, id, bytes)
    case (.shutDown, _): fail(id, ErrorCode.invalidRequest, "the session is shut down")
    }
  }

  private func request(_ method: String, _ id: RequestID, _ bytes: Data) {
    switch method {
    case "textDocument/completion": answer(id, bytes) { (p: PlaceParams) in try self.completion(at: p) }
    case "textDocument/hover": answer(id, bytes) { (p: PlaceParams) in try self.hover(at: p) }
    case "textDocument/definition": answer(id, bytes) { (p: PlaceParams) in try self.definition(at: p) }
    case "textDocument/references": answer(id, bytes) { (p: ReferenceParams) in try self.references(p) }
    case "textDocument/documentSymbol": answer(id, bytes) { (p: DocumentParams) in try self.symbols(p) }
    case "textDocument/prepareRename": answer(id, bytes) { (p: PlaceParams) in try self.prepareRename(at: p) }
    case "textDocument/rename": answer(id, bytes) { (p: RenameParams) in try self.rename(p) }
    case "textDocument/codeLens": answer(id, bytes) { (p: DocumentParams) in try self.lenses(p) }
    case "textDocument/codeAction": answer(id, bytes) { (p: ActionParams) in try self.codeActions(p) }
    case "workspace/executeCommand": answer(id, bytes) { (p: CommandParams) in try self.execute(p) }
    default: fail(id, ErrorCode.methodNotFound, "this server has no `\(method)`")
    }
  }

  private func notified(_ method: String, _ bytes: Data) {
    if method == "exit" { return actions.append(.exit(state == .shutDown ? 0 : 1)) }
    guard state == .running else { return }
    switch method {
    case "textDocument/didOpen": take(bytes, method) { (p: OpenParams) in self.open(p) }
    case "textDocument/didChange": take(bytes, method) { (p: ChangeParams) in self.change(p) }
    case "textDocument/didClose": take(bytes, method) { (p: DocumentParams) in self.close(p) }
    case "textDocument/didSave", "workspace/didChangeWatchedFiles":
      // Facts, data and the course's numbers may be what was saved.
      for text in texts.values { text.forget() }
    case "window/workDoneProgress/cancel":
      take(bytes, method) { (p: ProgressCancelParams) in
        if case .text(let token) = p.token, self.runs[token] != nil { self.actions.append(.cancelRun(token: token)) }
      }
    // What is unknown and needs no answer is passed over, as the protocol says.
    default: break
    }
  }

  private func initialize(_ parameters: InitializeParams) -> InitializeResult {
    state = .running
    let abilities = parameters.capabilities
    encoding = abilities?.general?.positionEncodings?.contains(PositionEncoding.utf8.rawValue) == true ? .utf8 : .utf16
    writesSnippets = abilities?.textDocument?.completion?.completionItem?.snippetSupport == true
    showsProgress = abilities?.window?.workDoneProgress == true
    return InitializeResult(capabilities: ServerAbilities(positionEncoding: encoding), serverInfo: .init(version: version))
  }

  // MARK: Texts

  private func open(_ parameters: OpenParams) {
    let item = parameters.textDocument
    texts[item.uri] = OpenText(uri: item.uri, version: item.version, text: item.text)
  }

  private func change(_ parameters: ChangeParams) {
    let item = parameters.textDocument
    guard let text = texts[item.uri] else { return log("a change of \(item.uri), which is not open") }
    if !text.apply(parameters.contentChanges, version: item.version, encoding) {
      log("version \(item.version ?? 0) of \(item.uri) comes after version \(text.version ?? 0): passed over")
    }
  }

  private func close(_ parameters: DocumentParams) {
    guard texts.removeValue(forKey: parameters.textDocument.uri) != nil else { return }
    notify("textDocument/publishDiagnostics", PublishedDiagnostics(uri: parameters.textDocument.uri, version: nil, diagnostics: []))
  }

  func publish() {
    for (uri, text) in texts.sorted(by: { $0.key < $1.key }) where text.isUnpublished {
      text.isUnpublished = false
      notify("textDocument/publishDiagnostics", PublishedDiagnostics(uri: uri, version: text.version, diagnostics: published(text)))
    }
  }

  /// The open text of an address.
  ///
  /// - Throws: `RequestProblem` when it is not open.
  func text(_ name: DocumentName) throws -> OpenText {
    guard let text = texts[name.uri] else { throw RequestProblem("`\(name.uri)` is not open", code: ErrorCode.invalidParams) }
    return text
  }

  // MARK: Writing

  private func answer<P: Decodable, R: Encodable>(_ id: RequestID, _ bytes: Data, _ work: (P) throws -> R) {
    let parameters: P
    do { parameters = try decoder.decode(Parameters<P>.self, from: bytes).params } catch {
      return fail(id, ErrorCode.invalidParams, "its parameters: \(Self.reason(error))")
    }
    do { write(Reply(id: id, result: try work(parameters))) } catch let problem as RequestProblem {
      fail(id, problem.code, problem.text)
    } catch {
      fail(id, ErrorCode.requestFailed, String(describing: error))
    }
  }

  private func take<P: Decodable>(_ bytes: Data, _ method: String, _ work: (P) -> Void) {
    do { work(try decoder.decode(Parameters<P>.self, from: bytes).params) } catch { log("\(method): \(Self.reason(error))") }
  }

  func fail(_ id: RequestID, _ code: Int, _ text: String) { write(Failure(id: id, error: .init(code: code, message: text))) }

  func notify(_ method: String, _ parameters: some Encodable) { write(Notice(id: nil, method: method, params: parameters)) }

  /// A request to the client, whose answer is not waited for.
  func ask(_ method: String, _ parameters: some Encodable, id: String) { write(Notice(id: .text(id), method: method, params: parameters)) }

  func want(_ action: SessionAction) { actions.append(action) }

  func log(_ text: String) { actions.append(.log(text)) }

  /// What was collected since the last call; for events that are no messages.
  func collected(_ work: () -> Void) -> [SessionAction] {
    actions = []
    work()
    return actions
  }

  private func write(_ message: some Encodable) {
    guard let data = try? encoder.encode(message) else { return log("an answer could not be written") }
    actions.append(.send([UInt8](data)))
  }
}

/// Why a request cannot be answered; shown to the person who asked.
struct RequestProblem: Error {
  var text: String
  var code: Int
  init(_ text: String, code: Int = ErrorCode.requestFailed) {
    self.text = text
    self.code = code
  }
}
