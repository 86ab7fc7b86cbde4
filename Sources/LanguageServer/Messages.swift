// The shapes of the protocol that are read and written here, with the protocol's names (Language Server Protocol 3.17). Only what is used.

import Foundation

/// A request's id: a number or a text, given back as it came.
enum RequestID: Codable, Hashable, Sendable {
  case number(Int)
  case text(String)

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int.self) { self = .number(number) } else { self = .text(try container.decode(String.self)) }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    }
  }
}

/// What every message says of itself; its parameters are read once more, as the method wants them.
struct Envelope: Decodable {
  var jsonrpc: String?
  var id: RequestID?
  var method: String?
}

struct Parameters<Value: Decodable>: Decodable { var params: Value }

struct InitializeParams: Decodable {
  struct Capabilities: Decodable {
    struct General: Decodable { var positionEncodings: [String]? }
    struct Window: Decodable { var workDoneProgress: Bool? }
    struct TextDocument: Decodable {
      struct Completion: Decodable {
        struct Item: Decodable { var snippetSupport: Bool? }
        var completionItem: Item?
      }
      struct Symbols: Decodable { var hierarchicalDocumentSymbolSupport: Bool? }
      var completion: Completion?
      var documentSymbol: Symbols?
    }
    var general: General?
    var window: Window?
    var textDocument: TextDocument?
  }
  var capabilities: Capabilities?
}

struct DocumentName: Codable, Sendable { var uri: String }
struct DocumentParams: Decodable { var textDocument: DocumentName }
struct PlaceParams: Decodable {
  var textDocument: DocumentName
  var position: Position
}
struct ReferenceParams: Decodable {
  struct Context: Decodable { var includeDeclaration: Bool? }
  var textDocument: DocumentName
  var position: Position
  var context: Context?
}
struct RenameParams: Decodable {
  var textDocument: DocumentName
  var position: Position
  var newName: String
}
struct ActionParams: Decodable {
  var textDocument: DocumentName
  var range: TextRange
}
struct OpenParams: Decodable {
  struct Item: Decodable {
    var uri: String
    var version: Int?
    var text: String
  }
  var textDocument: Item
}
struct ChangeParams: Decodable {
  struct Item: Decodable {
    var uri: String
    var version: Int?
  }
  /// Without a range: the whole text.
  struct Change: Decodable {
    var range: TextRange?
    var text: String
  }
  var textDocument: Item
  var contentChanges: [Change]
}
struct CommandParams: Decodable {
  var command: String
  /// A notebook's address, and for one cell its id.
  var arguments: [String]?
}
struct CancelParams: Decodable { var id: RequestID }
struct ProgressCancelParams: Decodable { var token: RequestID }

// MARK: What is written

struct Reply<Result: Encodable>: Encodable {
  var id: RequestID
  var result: Result
  enum CodingKeys: String, CodingKey { case jsonrpc, id, result }
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode("2.0", forKey: .jsonrpc)
    try container.encode(id, forKey: .id)
    // An optional result that is nil is an explicit null: a reply must have one.
    try container.encode(result, forKey: .result)
  }
}

struct Failure: Encodable {
  var jsonrpc = "2.0"
  var id: RequestID?
  var error: Problem
  struct Problem: Encodable {
    var code: Int
    var message: String
  }
  enum CodingKeys: String, CodingKey { case jsonrpc, id, error }
  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(jsonrpc, forKey: .jsonrpc)
    try container.encode(id, forKey: .id)
    try container.encode(error, forKey: .error)
  }
}

/// Codes of JSON-RPC, and those that the protocol adds.
enum ErrorCode {
  static let parse = -32_700
  static let invalidRequest = -32_600
  static let methodNotFound = -32_601
  static let invalidParams = -32_602
  static let notInitialized = -32_002
  static let requestFailed = -32_803
  static let cancelled = -32_800
}

struct Notice<Params: Encodable>: Encodable {
  var jsonrpc = "2.0"
  /// Of a request to the client.
  var id: RequestID?
  var method: String
  var params: Params
}

struct Empty: Codable {}

struct Location: Encodable, Hashable {
  var uri: String
  var range: TextRange
}

struct PublishedDiagnostics: Encodable {
  struct Item: Encodable, Hashable {
    var range: TextRange
    var severity: Int
    var code: String
    var source = "nb"
    var message: String
  }
  var uri: String
  var version: Int?
  var diagnostics: [Item]
}

struct Markup: Encodable {
  var kind = "markdown"
  var value: String
}

struct Hover: Encodable {
  var contents: Markup
  var range: TextRange
}

struct TextEdit: Encodable, Hashable {
  var range: TextRange
  var newText: String
}

struct WorkspaceEdit: Encodable { var changes: [String: [TextEdit]] }

struct CompletionItem: Encodable {
  var label: String
  var kind: Int
  var detail: String?
  var documentation: Markup?
  var textEdit: TextEdit
  /// 2: `newText` is a snippet.
  var insertTextFormat: Int?
  var sortText: String?
  var filterText: String?
}

/// Kinds of completion items, as the protocol numbers them.
enum ItemKind {
  static let field = 5
  static let module = 9
  static let property = 10
  static let unit = 11
  static let value = 12
  static let enumeration = 13
  static let reference = 18
  static let constant = 21
}

struct CompletionList: Encodable {
  var isIncomplete = false
  var items: [CompletionItem]
}

struct DocumentSymbol: Encodable {
  var name: String
  var detail: String?
  var kind: Int
  var range: TextRange
  var selectionRange: TextRange
  var children: [DocumentSymbol]
}

struct ClientCommand: Encodable {
  var title: String
  var command: String
  var arguments: [String]
}

struct CodeLens: Encodable {
  var range: TextRange
  var command: ClientCommand
}

struct CodeAction: Encodable {
  var title: String
  var kind = "quickfix"
  var diagnostics: [PublishedDiagnostics.Item]
  var isPreferred = true
  var edit: WorkspaceEdit
}

struct ShownMessage: Encodable {
  /// 1 error, 2 warning, 3 information.
  var type: Int
  var message: String
}

struct Progress: Encodable {
  struct Value: Encodable {
    /// `begin`, `report` or `end`.
    var kind: String
    var title: String?
    var message: String?
    var cancellable: Bool?
  }
  var token: RequestID
  var value: Value
}

struct TokenParams: Encodable { var token: RequestID }

struct ServerAbilities: Encodable {
  struct Sync: Encodable {
    var openClose = true
    /// Incremental.
    var change = 2
    var save = true
  }
  struct Completion: Encodable { var triggerCharacters = [" ", ":", ".", "{", "-", "[", "$"] }
  struct Rename: Encodable { var prepareProvider = true }
  struct Lens: Encodable { var resolveProvider = false }
  struct Actions: Encodable { var codeActionKinds = ["quickfix"] }
  struct Commands: Encodable { var commands = ["nb.run"] }
  var positionEncoding: PositionEncoding
  var textDocumentSync = Sync()
  var completionProvider = Completion()
  var hoverProvider = true
  var definitionProvider = true
  var referencesProvider = true
  var documentSymbolProvider = true
  var renameProvider = Rename()
  var codeLensProvider = Lens()
  var codeActionProvider = Actions()
  var executeCommandProvider = Commands()
}

struct InitializeResult: Encodable {
  struct Info: Encodable {
    var name = "nb"
    var version: String
  }
  var capabilities: ServerAbilities
  var serverInfo: Info
}
