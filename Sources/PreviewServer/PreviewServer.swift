// The built site on loopback for its author: the files of `_site/`, with a script on every page that shows what the last
// build said and brings a changed page up to date. Serves only this machine: another machine cannot connect, and a page
// of another site that asks through the author's browser comes with another host's name and is refused.

import Foundation
import Hummingbird
import Logging
import Synchronization

public final class PreviewServer: Sendable {
  private let files: PreviewFiles
  private let port: Int
  private let events = PreviewEvents()
  private let bound = Mutex<Int?>(nil)

  /// - Parameters:
  ///   - folder: the built site.
  ///   - port: 0 takes a free one.
  public init(folder: String, port: Int) {
    files = PreviewFiles(folder: folder)
    self.port = port
  }

  /// Serves until the task is cancelled.
  ///
  /// - Parameter ready: is told the port as soon as it listens.
  /// - Throws: what the system says when the port cannot be had.
  public func run(ready: @escaping @Sendable (Int) -> Void) async throws {
    var logger = Logger(label: "nb.preview", factory: { _ in SwiftLogNoOpLogHandler() })
    logger.logLevel = .critical
    let application = Application(
      responder: CallbackResponder<BasicRequestContext> { [self] request, _ in respond(to: request) },
      configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port), serverName: nil),
      onServerRunning: { [self] channel in
        let port = channel.localAddress?.port ?? 0
        bound.withLock { $0 = port }
        ready(port)
      }, logger: logger)
    try await application.run()
  }

  /// Tells every open page what a build said; pages that it wrote come up to date.
  ///
  /// - Parameters:
  ///   - written: paths relative to the site.
  ///   - problems: what to show on the page; empty: all is well.
  public func publish(written: [String], problems: String) {
    events.send(.built(written: written, problems: problems))
  }

  /// Shows what a run of blocks is doing; empty: nothing runs.
  public func publish(running: String) { events.send(.running(running)) }

  private func respond(to request: Request) -> Response {
    guard isOurs(request.head.authority) else { return plain(.misdirectedRequest, "nb serve answers for localhost and 127.0.0.1 only\n") }
    guard request.method == .get || request.method == .head else { return plain(.methodNotAllowed, "only GET and HEAD\n") }
    let path = request.uri.path
    switch path {
    case "/_nb/preview.js": return answer(Array(previewScript.utf8), type: "text/javascript; charset=utf-8", status: .ok)
    case "/_nb/preview.css": return answer(Array(previewStyle.utf8), type: "text/css; charset=utf-8", status: .ok)
    case "/_nb/events": return request.method == .get ? stream() : plain(.ok, "")
    default: break
    }
    switch files.look(for: path) {
    case .file(let bytes, let type): return answer(bytes, type: type, status: .ok)
    case .missing(let page): return answer(page ?? Array("there is no such page\n".utf8), type: page == nil ? "text/plain; charset=utf-8" : PreviewFiles.html, status: .notFound)
    case .refused: return plain(.badRequest, "this path leads out of the site\n")
    }
  }

  /// A browser that was led here by another site's name (DNS rebinding) says that name.
  private func isOurs(_ authority: String?) -> Bool {
    guard let authority, let port = bound.withLock({ $0 }) else { return false }
    return ["127.0.0.1:\(port)", "localhost:\(port)", "[::1]:\(port)"].contains(authority.lowercased())
      || port == 80 && ["127.0.0.1", "localhost"].contains(authority.lowercased())
  }

  private func answer(_ bytes: [UInt8], type: String, status: HTTPResponse.Status) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = type
    headers[.cacheControl] = "no-store"
    headers[.xContentTypeOptions] = "nosniff"
    let bytes = type == PreviewFiles.html ? withPreview(bytes) : bytes
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private func plain(_ status: HTTPResponse.Status, _ text: String) -> Response { answer(Array(text.utf8), type: "text/plain; charset=utf-8", status: status) }

  /// Server-sent events until the page goes away.
  private func stream() -> Response {
    var headers = HTTPFields()
    headers[.contentType] = "text/event-stream"
    headers[.cacheControl] = "no-store"
    let events = events
    return Response(status: .ok, headers: headers, body: ResponseBody { writer in
      for await text in events.listen() { try await writer.write(ByteBuffer(string: text)) }
      try await writer.finish(nil)
    })
  }
}
