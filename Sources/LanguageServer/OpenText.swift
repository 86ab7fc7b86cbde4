// A document as the editor has it: its bytes, its version, and what they mean. A change is applied to the bytes; what they mean is found when it
// is asked, so that ten changes in a row cost one reading.

import DocumentModel
import PerfLanguage
import TextModel

final class OpenText {
  let uri: String
  /// Absolute; the address itself for what is no file.
  let path: String
  private(set) var source: SourceText
  private(set) var version: Int?
  /// Findings must be sent.
  var isUnpublished = true
  private var known: NotebookAnalysis?
  private let readings = BlockReadings()

  /// The limit of `nb check`.
  static let bytesMax = 8 << 20

  init(uri: String, version: Int?, text: String) {
    self.uri = uri
    self.version = version
    path = LanguageServer.path(ofURI: uri) ?? uri
    source = SourceText(path: path, text: text)
  }

  var isNotebook: Bool { path.hasSuffix(".md") || !path.hasSuffix(".yml") }

  /// Applies changes in order, each to the text that the one before left.
  ///
  /// - Returns: false, and nothing is changed, for a version that is not newer than the known one.
  func apply(_ changes: [ChangeParams.Change], version new: Int?, _ encoding: PositionEncoding) -> Bool {
    if let new, let version, new <= version { return false }
    for change in changes {
      if let range = change.range {
        source = source.applying([Edit(source.range(range, encoding), change.text)])
      } else {
        source = SourceText(path: path, text: change.text)
      }
    }
    version = new ?? version
    forget()
    return true
  }

  /// What stands around it has changed: it is read again.
  func forget() {
    known = nil
    isUnpublished = true
  }

  func analysis(_ desk: Desk) -> NotebookAnalysis {
    if let known { return known }
    let analysis = NotebookAnalysis(Document(parsing: source), desk.context(path), yaml: readings)
    known = analysis
    return analysis
  }

  /// What `nb check` would say.
  func findings(_ desk: Desk) -> [Diagnostic] {
    guard source.bytes.count <= Self.bytesMax else {
      return [
        Diagnostic(
          "file-too-large", .error, "the file has \(source.bytes.count) bytes; the limit here is \(Self.bytesMax)", remedy: "split it",
          at: SourceRange(0, 0))
      ]
    }
    return isNotebook ? analysis(desk).findings : desk.findings(source) ?? []
  }
}
