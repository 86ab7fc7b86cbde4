import Foundation
import Statistics
import Testing

@testable import LanguageServer

private let uri = "file:///tmp/a/day01.md"

private let text = """
  # A lesson 😀

  ```perf
  kind: sim
  id: line
  model: mm1
  params: {rho: 0.5}
  ```

  {{ line.mean }}

  """

private func message(_ method: String, id: Int? = nil, _ parameters: Any) -> MessageReader.Frame {
  var object: [String: Any] = ["jsonrpc": "2.0", "method": method, "params": parameters]
  if let id { object["id"] = id }
  return .message([UInt8]((try? JSONSerialization.data(withJSONObject: object)) ?? Data()))
}

private func sent(_ actions: [SessionAction]) -> [[String: Any]] {
  actions.compactMap { action in
    guard case .send(let bytes) = action else { return nil }
    return (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any]
  }
}

private func begun() -> LanguageSession {
  let session = LanguageSession(Desk(), version: "test")
  _ = session.receive([message("initialize", id: 1, ["capabilities": [String: Any]()])])
  _ = session.receive([
    message("textDocument/didOpen", ["textDocument": ["uri": uri, "languageId": "markdown", "version": 1, "text": text] as [String: Any]])
  ])
  return session
}

@Suite struct SessionTests {
  @Test("changes that come together are answered once, with the findings of the last")
  func together() throws {
    let session = begun()
    func change(_ version: Int, _ text: String) -> MessageReader.Frame {
      message("textDocument/didChange", ["textDocument": ["uri": uri, "version": version] as [String: Any], "contentChanges": [["text": text]]])
    }
    let answers = sent(session.receive([change(2, "nothing"), change(3, text.replacing("mm1", with: "mm2")), change(2, "too late")]))
    try #require(answers.count == 1)
    let told = try #require(answers[0]["params"] as? [String: Any])
    #expect(told["version"] as? Int == 3)
    #expect((told["diagnostics"] as? [[String: Any]])?.map { $0["code"] as? String } == ["unknown-value"])
  }

  @Test("life of a session")
  func life() {
    let session = LanguageSession(Desk(), version: "test")
    func code(_ actions: [SessionAction]) -> Int? { (sent(actions).first?["error"] as? [String: Any])?["code"] as? Int }
    #expect(code(session.receive([message("shutdown", id: 1, [:])])) == -32002)
    #expect(code(session.receive([message("initialize", id: 2, [:])])) == nil)
    #expect(code(session.receive([message("initialize", id: 3, [:])])) == -32600)
    #expect(code(session.receive([message("unknown/thing", id: 4, [:])])) == -32601)
    #expect(session.receive([message("unknown/thing", [:])]).isEmpty)
    #expect(code(session.receive([message("shutdown", id: 5, [:])])) == nil)
    #expect(code(session.receive([message("textDocument/hover", id: 6, [:])])) == -32600)
    guard case .exit(let status)? = session.receive([message("exit", [:])]).first else { return #expect(Bool(false), "no exit") }
    #expect(status == 0)
  }

  @Test("a request that is cancelled behind it is not computed")
  func cancelled() {
    let session = begun()
    let place: [String: Any] = ["textDocument": ["uri": uri], "position": ["line": 4, "character": 5]]
    let answers = sent(session.receive([message("textDocument/hover", id: 9, place), message("$/cancelRequest", ["id": 9])]))
    #expect(answers.compactMap { ($0["error"] as? [String: Any])?["code"] as? Int } == [-32800])
  }

  @Test("a renamed block keeps its plan: no finding comes of it")
  func renamed() throws {
    let session = begun()
    let place: [String: Any] = ["textDocument": ["uri": uri], "position": ["line": 4, "character": 5], "newName": "queue-1"]
    let result = try #require(sent(session.receive([message("textDocument/rename", id: 2, place)])).first?["result"] as? [String: Any])
    let edits = try #require((result["changes"] as? [String: [[String: Any]]])?[uri])
    #expect(edits.count == 2)
    var changed = text
    for edit in edits { #expect(edit["newText"] as? String == "queue-1") }
    changed = changed.replacing("line", with: "queue-1")
    let answers = sent(
      session.receive([message("textDocument/didChange", ["textDocument": ["uri": uri, "version": 2] as [String: Any], "contentChanges": [["text": changed]]])]))
    #expect(((answers.first?["params"] as? [String: Any])?["diagnostics"] as? [Any])?.isEmpty == true)
  }

  @Test("incremental changes are those of an editor that counts in UTF-16", arguments: 0..<40)
  func incremental(_ seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) + 3)
    let parts = ["a", "é", "漢", "😀", "\n", "\r\n", "\r", " ", "", "\u{FEFF}"]
    func some(_ count: Int) -> String { (0..<count).map { _ in parts.randomElement(using: &random) ?? "" }.joined() }
    var reference = some(30)
    let open = OpenText(uri: uri, version: 1, text: reference)
    for version in 2..<12 {
      // Boundaries of characters of Unicode, which \r\n is not one of.
      let scalars = Array(reference.unicodeScalars)
      func boundary() -> Int {
        var at = Int.random(in: 0...scalars.count, using: &random)
        while at > 0, at < scalars.count, scalars[at - 1] == "\r", scalars[at] == "\n" { at -= 1 }
        return at
      }
      let ends = [boundary(), boundary()].sorted()
      func position(_ at: Int) -> Position {
        var (line, character, i) = (0, 0, 0)
        while i < at {
          let isPair = scalars[i] == "\r" && i + 1 < scalars.count && scalars[i + 1] == "\n"
          if scalars[i] == "\n" || scalars[i] == "\r" {
            (line, character) = (line + 1, 0)
            i += isPair ? 2 : 1
          } else {
            character += scalars[i].value > 0xFFFF ? 2 : 1
            i += 1
          }
        }
        return Position(line: line, character: character)
      }
      let added = some(Int.random(in: 0...3, using: &random))
      let change = ChangeParams.Change(range: TextRange(start: position(ends[0]), end: position(ends[1])), text: added)
      var result = String.UnicodeScalarView()
      result.append(contentsOf: scalars[..<ends[0]])
      result.append(contentsOf: added.unicodeScalars)
      result.append(contentsOf: scalars[ends[1]...])
      reference = String(result)
      #expect(open.apply([change], version: version, .utf16))
      #expect(open.source.bytes == Array(reference.utf8))
    }
  }

  @Test("messages of any kind are answered or passed over, never a crash", arguments: 0..<60)
  func hostile(_ seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) + 11)
    let session = begun()
    let methods = [
      "textDocument/completion", "textDocument/hover", "textDocument/definition", "textDocument/references", "textDocument/rename", "textDocument/codeAction",
      "textDocument/documentSymbol", "textDocument/codeLens", "textDocument/didChange", "textDocument/prepareRename", "workspace/executeCommand", "$/cancelRequest",
    ]
    for id in 0..<25 {
      let line = Int.random(in: -2...14, using: &random)
      let place: [String: Any] = ["line": line, "character": Int.random(in: -1...30, using: &random)]
      let parameters: [String: Any] = [
        "textDocument": ["uri": uri, "version": id + 5] as [String: Any], "position": place, "range": ["start": place, "end": ["line": line + 1, "character": 0]],
        "newName": ["x", "", "A b", "line"].randomElement(using: &random) ?? "", "command": "nb.run", "arguments": [uri, "line"], "id": id,
        "contentChanges": [
          ["range": ["start": place, "end": place], "text": ["```", "\n", "{", "id: line", "😀", "\u{0}", "- "].randomElement(using: &random) ?? ""] as [String: Any]
        ],
      ]
      var frame = message(methods.randomElement(using: &random) ?? "", id: Bool.random(using: &random) ? id : nil, parameters)
      if Int.random(in: 0..<4, using: &random) == 0, case .message(var bytes) = frame {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
        frame = .message(bytes)
      }
      for case .send(let bytes) in session.receive([frame]) { #expect((try? JSONSerialization.jsonObject(with: Data(bytes))) != nil) }
    }
  }
}
