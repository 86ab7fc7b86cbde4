// `nb observe`: telemetry of any program, received, kept in a file, asked and sent on. OTLP/HTTP, as every OpenTelemetry SDK speaks it.

import ArgumentParser
import Foundation
import PerfLanguage
import Reporting
import TelemetryCollector
import TelemetryModel
import TextModel

struct ObserveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "observe", abstract: "Telemetry: receive it, keep it, ask it, send it on. OTLP/HTTP.",
    subcommands: [Serve.self, Ask.self, Export.self, Convert.self])

  struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "serve", abstract: "Receive traces, metrics and logs until interrupted, and say what came.",
      discussion: """
        nb observe serve --file shop.otlp &
        OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf your-program

        Only this machine is listened to, unless --listen says otherwise. A file that is there is appended to. Exit codes: 2 something came that
        was not stored.
        """)

    @Option(help: "Port; 0 takes a free one.") var port = 4318
    @Option(help: "Address to listen on. Anything but 127.0.0.1 lets others send.") var listen = "127.0.0.1"
    @Option(name: .shortAndLong, help: "Capture to append to, for `nb observe ask` and `nb observe export`.") var file: String?
    @Option(help: "Of the file. What would be over it is refused, counted and said.") var maxSize = "1GiB"
    @Flag(help: "One JSON object with the counts on stdout at the end, nothing else.") var json = false
    @Flag(help: "Only ASCII characters.") var ascii = false
    @Flag(help: "No progress.") var quiet = false

    func validate() throws {
      guard (0...65_535).contains(port) else { throw ValidationError("\(port) is not a port") }
      guard typedSize(maxSize) != nil else { throw ValidationError("--max-size is a size such as 1GiB") }
    }

    func run() throws {
      Interrupts.watch()
      var options = ReceiverOptions()
      options.host = listen
      options.port = port
      let receiver: OTLPReceiver
      do throws(CollectorError) {
        receiver = try OTLPReceiver(options, capture: try capture(), now: unixNanoseconds)
      } catch {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
      let stored = file.map { ", stored in \($0)" } ?? ", counted and not stored"
      let hello = "OTLP/HTTP on http://\(listen):\(receiver.port)\(stored); end with Ctrl-C\n"
      if json { Output.error(hello) } else { Output.standard(hello) }
      watch(receiver)
      receiver.stop()
      let counts = receiver.counts
      Output.standard(json ? try countsJSON(counts) : countsText(counts))
      if counts.recordsNotStored > 0 { throw Exit.threshold }
    }

    private func capture() throws(CollectorError) -> sending CaptureWriter? {
      guard let file else { return nil }
      var options = CaptureWriter.Options()
      options.bytesMax = typedSize(maxSize) ?? options.bytesMax
      return try CaptureWriter(file, now: unixNanoseconds(), options: options)
    }

    /// A live line on a terminal until somebody ends it.
    private func watch(_ receiver: OTLPReceiver) {
      let live = Output.errorIsTerminal && !quiet
      while !Interrupts.requested {
        // Ended early by a signal.
        usleep(200_000)
        guard live else { continue }
        let counts = receiver.counts
        let parts = ["\(counts.requests) requests"] + TelemetrySignal.allCases.map { "\(counts.total($0)) \($0.records)" }
        let refused = counts.refused.values.reduce(0, +)
        Output.error("\r\u{1B}[K\((parts + (refused > 0 ? ["\(refused) refused"] : [])).joined(separator: "  "))")
      }
      if live { Output.error("\r\u{1B}[K") }
    }

    private func countsText(_ counts: ReceiverCounts) -> String {
      let style = TerminalStyle(ascii: ascii, color: false)
      let rows = counts.records.keys.sorted().map { source in
        [source.service.isEmpty ? "(no service.name)" : source.service, source.signal.rawValue, "\(counts.records[source] ?? 0) \(source.signal.records)"]
      }
      var text = rows.isEmpty ? "nothing came\n" : columnsText(titles: ["service", "signal", "taken"], rows: rows, style: style)
      text += "\(counts.requests) requests, \(counts.wireBytes) bytes as sent, \(counts.bodyBytes) uncompressed\n"
      func line(_ count: Int, _ what: String) { if count > 0 { text += "\(count) \(what)\n" } }
      line(counts.report.rejectedIDs, "records rejected: their ids are none")
      line(counts.report.rejectedPoints, "points rejected: their buckets do not fit")
      line(counts.report.droppedAttributes + counts.report.droppedEvents + counts.report.droppedLinks, "attributes, events and links over the limits, left out")
      line(counts.report.negativeDurations, "spans end before they begin")
      for (status, count) in counts.refused.sorted(by: { $0.key < $1.key }) { line(count, "requests answered \(status)\(Self.reason(status))") }
      line(counts.recordsNotStored, "records LOST: the capture took no more")
      line(counts.connectionsRefused, "connections closed: too many at once")
      line(counts.notHTTP, "connections that sent no HTTP")
      line(counts.tooSlow, "requests that were not complete in time")
      return text
    }

    private static func reason(_ status: Int) -> String {
      switch status {
      case 400: ": no OTLP"
      case 404, 405: ": not a place or a method of OTLP"
      case 413: ": too large"
      case 415: ": neither JSON nor protobuf, or an encoding that is not gzip or deflate"
      case 429: ": more came at once than could be held; senders try again"
      case 503: ": the file could not be written; senders try again"
      case 507: ": the file has its --max-size"
      default: ""
      }
    }

    private func countsJSON(_ counts: ReceiverCounts) throws -> String {
      struct Row: Encodable {
        var service: String
        var signal: String
        var records: Int
      }
      struct Counts: Encodable {
        var records: [Row]
        var requests, wireBytes, bodyBytes, rejected, recordsNotStored, connectionsRefused, notHTTP, tooSlow: Int
        var refused: [String: Int]
      }
      let rows = counts.records.sorted { $0.key < $1.key }.map { Row(service: $0.key.service, signal: $0.key.signal.rawValue, records: $0.value) }
      let all = Counts(
        records: rows, requests: counts.requests, wireBytes: counts.wireBytes, bodyBytes: counts.bodyBytes, rejected: counts.report.rejected,
        recordsNotStored: counts.recordsNotStored, connectionsRefused: counts.connectionsRefused, notHTTP: counts.notHTTP, tooSlow: counts.tooSlow,
        refused: Dictionary(uniqueKeysWithValues: counts.refused.map { (String($0.key), $0.value) }))
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(all), as: UTF8.self) + "\n"
    }
  }

  /// One encoding into the other; for scripts that hold other libraries against this one.
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert", abstract: "Turn one OTLP request on stdin into the other encoding on stdout.", discussion: "nb observe convert traces json protobuf < traces.json")
    @Argument(help: "traces, metrics or logs.") var signal: TelemetrySignal
    @Argument(help: "json or protobuf.") var from: Encoding
    @Argument(help: "json or protobuf.") var to: Encoding

    func run() throws {
      let bytes = [UInt8](FileHandle.standardInput.readDataToEndOfFile())
      do throws(OTLPError) { Output.bytes(try convertOTLP(bytes, signal, from: from.format, to: to.format, by: OTLPDecoder())) } catch {
        Output.failure(Diagnostic("otlp-invalid", .error, "stdin: \(error)", remedy: "give one Export\(signal.rawValue) request in \(from.rawValue)"))
        throw Exit.failed
      }
    }
  }

  enum Encoding: String, CaseIterable, ExpressibleByArgument {
    case protobuf, json
    var format: OTLPFormat { self == .json ? .json : .protobuf }
  }
}

extension TelemetrySignal: ExpressibleByArgument {
  /// What is counted of it.
  var records: String {
    switch self {
    case .traces: "spans"
    case .metrics: "points"
    case .logs: "log records"
    }
  }
}

extension CollectorError {
  var diagnostic: Diagnostic { Diagnostic("observe-failed", .error, cause, remedy: remedy, path: place) }
}

/// Unix time.
@Sendable func unixNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
