// What open pages are told, as server-sent events. A page that connects later is told the last of each kind.

import Foundation
import Synchronization

final class PreviewEvents: Sendable {
  enum Event {
    case built(written: [String], problems: String)
    case running(String)
  }

  private struct State {
    var listeners: [Int: AsyncStream<String>.Continuation] = [:]
    var next = 0
    var problems = ""
    var running = ""
    var build = 0
  }
  private let state = Mutex(State())

  func send(_ event: Event) {
    let (text, listeners) = state.withLock { state in
      switch event {
      case .built(let written, let problems):
        state.build += 1
        state.problems = problems
        return (Self.built(state.build, written, problems), Array(state.listeners.values))
      case .running(let text):
        state.running = text
        return (Self.text("running", ["text": text]), Array(state.listeners.values))
      }
    }
    for listener in listeners { listener.yield(text) }
  }

  func listen() -> AsyncStream<String> {
    AsyncStream { continuation in
      let number = state.withLock { state in
        state.next += 1
        state.listeners[state.next] = continuation
        continuation.yield("retry: 300\n\n" + Self.text("hello", ["build": state.build, "problems": state.problems, "running": state.running]))
        return state.next
      }
      continuation.onTermination = { [self] _ in _ = state.withLock { $0.listeners.removeValue(forKey: number) } }
    }
  }

  private static func built(_ number: Int, _ written: [String], _ problems: String) -> String {
    text("built", ["build": number, "written": written, "problems": problems])
  }

  private static func text(_ name: String, _ data: [String: Any]) -> String {
    let json = (try? JSONSerialization.data(withJSONObject: data, options: .sortedKeys)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    return "event: \(name)\ndata: \(json)\n\n"
  }
}
