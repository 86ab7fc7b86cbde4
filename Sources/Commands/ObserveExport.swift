// `nb observe export`: what a capture holds, to another receiver or into OTLP files.

import ArgumentParser
import Foundation
import PerfLanguage
import Statistics
import Synchronization
import TelemetryCollector
import TelemetryModel
import TextModel

extension ObserveCommand {
  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Send a capture on by OTLP/HTTP, or write it as OTLP files.",
      discussion: """
        nb observe export shop.otlp --otlp http://127.0.0.1:4318
        nb observe export shop.otlp --otlp https://otlp.example.com --i-own otlp.example.com --header api-key=… --gzip
        nb observe export shop.otlp --json -o shop.jsonl

        Sent again after 429, 502, 503, 504 and a failed connection, never after anything else, as OTLP says. --json writes a
        request on each line, --protobuf all of a signal as one message; with several signals NAME.traces.EXT and so on. Exit codes: 2 something was
        not taken by the receiver, or dropped.
        """)

    enum WhenFull: String, CaseIterable, ExpressibleByArgument { case wait, drop }

    @Argument(help: "A file of `nb observe serve --file`; - reads one from stdin.") var source: String
    @Option(name: .customLong("otlp"), help: "URL of a receiver; /v1/traces and so on are appended.") var url: String?
    @Option(name: [.customShort("H"), .customLong("header")], help: "NAME=VALUE; may be repeated.") var headers: [String] = []
    @Option(help: "Encoding to send: protobuf or json.") var format = Encoding.protobuf
    @Flag(help: "Compress what is sent.") var gzip = false
    @Option(help: "Only traces, metrics or logs.") var signal: TelemetrySignal?
    @Option(help: "Bytes that wait at most.") var queue = "64MiB"
    @Option(help: "wait: the file is read no faster than it is sent. drop: what finds the queue full is lost and counted.") var whenFull = WhenFull.wait
    @Option(help: "For a connection and for an answer.") var timeout = "10s"
    @Option(help: "A receiver that takes nothing for so long is gone.") var giveUp = "5min"
    @Option(name: .customLong("cacert"), help: "PEM file of authorities to trust instead of the system's.") var authorities: String?
    @Option(help: "A host that is not this machine, and yours to send to.") var iOwn: [String] = []
    @Flag(help: "Write OTLP/JSON to --output.") var json = false
    @Flag(help: "Write OTLP protobuf to --output.") var protobuf = false
    @Option(name: .shortAndLong, help: "File to write.") var output: String?

    func validate() throws {
      guard [url != nil, json, protobuf].filter({ $0 }).count == 1 else { throw ValidationError("choose one of --otlp URL, --json and --protobuf") }
      guard (json || protobuf) == (output != nil) else { throw ValidationError("--json and --protobuf need --output FILE, --otlp has none") }
      if let url {
        _ = try LoadURL.receiver(url)
      }
      _ = try fields()
      guard typedSize(queue) != nil else { throw ValidationError("--queue is a size such as 64MiB") }
      guard typedDuration(timeout) != nil else { throw ValidationError("--timeout is a time such as 10s") }
      guard typedDuration(giveUp) != nil else { throw ValidationError("--give-up is a time such as 5min") }
    }

    func run() throws {
      Interrupts.watch()
      do {
        var reader = source == "-" ? try CaptureReader(descriptor: 0) { Interrupts.requested } : try CaptureReader(path: source)
        if let url { try send(&reader, to: try LoadURL(url)) } else if let output { try write(&reader, to: output) }
      } catch let error as CollectorError {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
    }

    /// What a header field may hold is RFC 9110's affair; here only that there is a name.
    private func fields() throws -> [(name: String, value: String)] {
      try headers.map { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, text.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
          throw ValidationError("--header reads NAME=VALUE, such as api-key=…")
        }
        return (parts[0], parts[1])
      }
    }

    // MARK: To a receiver

    private func send(_ reader: inout CaptureReader, to place: LoadURL) throws {
      try place.requireTelemetryTarget(iOwn: iOwn)
      let endpoint = OTLPEndpoint(
        host: place.host, port: place.port, isTLS: place.isTLS, basePath: place.path, headers: try fields(), trustedCertificates: authorities)
      var options = OTLPExporter.Options()
      options.format = format.format
      options.compresses = gzip
      options.queueBytesMax = typedSize(queue) ?? options.queueBytesMax
      options.timeoutSeconds = max(1, Int64((typedDuration(timeout)?.seconds ?? 10).rounded(.up)))
      options.retry.giveUpSeconds = typedDuration(giveUp)?.seconds ?? options.retry.giveUpSeconds
      let random = Mutex(SeededRandom(seed: unixNanoseconds()))
      let exporter = try OTLPExporter(
        endpoint, options, jitter: { random.withLock { Double.random(in: 0...1, using: &$0) } }, now: unixNanoseconds,
        isCancelled: { Interrupts.requested })
      while !Interrupts.requested, let request = reader.next() {
        guard signal == nil || request.signal == signal else { continue }
        if whenFull == .wait { exporter.enqueue(request) } else { exporter.offer(request) }
      }
      let counts = exporter.finish()
      reportDamage(reader)
      Output.standard(counts.sentText)
      if counts.lost > 0 { Output.error(counts.lossText(queue: queue, giveUp: giveUp)) }
      if Interrupts.requested { throw Exit.interrupted }
      if counts.lost > 0 { throw Exit.threshold }
    }

    private func reportDamage(_ reader: borrowing CaptureReader) {
      guard reader.damagedBytes > 0 else { return }
      Output.failure(
        Diagnostic(
          "capture-damaged", .warning, "\(reader.damagedBytes) bytes in \(reader.damagedPlaces) places belong to no whole request",
          remedy: "at the end of a file that is what a crash cut off; everything else was read", path: source))
    }

    // MARK: Into files

    private func write(_ reader: inout CaptureReader, to output: String) throws {
      let decoder = OTLPDecoder()
      var files: [TelemetrySignal: OTLPFile] = [:]
      // What is not finished is not left behind.
      defer { for file in files.values { file.remove() } }
      while let request = reader.next() {
        if Interrupts.requested { throw Exit.interrupted }
        guard signal == nil || request.signal == signal else { continue }
        let file = try files[request.signal] ?? OTLPFile(output, request.signal)
        files[request.signal] = file
        do {
          let bytes = json ? try convertOTLP(request.payload, request.signal, from: .protobuf, to: .json, by: decoder) + [0x0A] : request.payload
          try file.append(bytes, records: request.records)
        } catch let error as OTLPError {
          throw CollectorError(place: source, cause: "a request of \(request.signal.rawValue) cannot be decoded: \(error)", remedy: "export it with --protobuf")
        }
      }
      reportDamage(reader)
      for (signal, file) in files.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        let path = files.count == 1 ? output : Self.path(output, signal)
        try file.finish(as: path)
        Output.error("\(path): \(file.records) \(signal.records)\n")
      }
      if files.isEmpty { Output.error("nothing was written: \(source) holds no \(signal?.rawValue ?? "requests")\n") }
    }

    /// `shop.jsonl` → `shop.traces.jsonl`.
    static func path(_ output: String, _ signal: TelemetrySignal) -> String {
      let name = output.lastIndex(of: "/").map { output.index(after: $0) } ?? output.startIndex
      guard let dot = output[name...].lastIndex(of: "."), dot > name else { return "\(output).\(signal.rawValue)" }
      return "\(output[..<dot]).\(signal.rawValue)\(output[dot...])"
    }
  }
}

/// Written beside its place and then moved there: a half file is never taken for a whole one.
private final class OTLPFile {
  private let part: String
  private var file: UnsafeMutablePointer<FILE>?
  private(set) var records = 0

  init(_ path: String, _ signal: TelemetrySignal) throws(CollectorError) {
    part = "\(path).\(getpid()).\(signal.rawValue).part"
    file = fopen(part, "w")
    if file == nil { throw Self.failed(path) }
  }

  func append(_ bytes: [UInt8], records: Int) throws(CollectorError) {
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Self.failed(part) }
    self.records += records
  }

  func finish(as path: String) throws(CollectorError) {
    let open = file
    file = nil
    guard let open, fflush(open) == 0, fsync(fileno(open)) == 0, fclose(open) == 0, rename(part, path) == 0 else { throw Self.failed(path) }
  }

  func remove() {
    if let file { fclose(file) }
    unlink(part)
  }

  private static func failed(_ path: String) -> CollectorError {
    CollectorError(place: path, cause: "it cannot be written: \(String(cString: strerror(errno)))", remedy: "choose a folder that is writable and has room")
  }
}
