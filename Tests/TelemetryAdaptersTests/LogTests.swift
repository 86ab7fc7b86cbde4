import Logging
import TelemetryAdapters
import TelemetryModel
import Testing
import Tracing

private struct Failure: Error, CustomStringConvertible { let description = "no such cart" }

@Suite struct LogTests {
  private let logs = TelemetryLogs(linesMax: 1_000, now: { 42 })

  private func logger(_ label: String) -> Logger { Logger(label: label) { [logs] in logs.handler(label: $0) } }

  @Test("a line carries the trace and span that it was written in, over await; outside any it carries none") func trace() async throws {
    let tracer = TelemetryTracer()
    let logger = logger("cart")
    logger.info("before")
    await tracer.withSpan("request") { _ in
      await Task.yield()
      logger.warning("slow")
      await tracer.withSpan("inner") { _ in logger.error("broken", error: Failure()) }
    }
    let spans = tracer.drain()
    let records = logs.drain(resource: Resource()).records
    #expect(records.map(\.body) == ["before", "slow", "broken"] && records.map(\.severity.name) == ["INFO", "WARN", "ERROR"])
    #expect(records[0].traceID.isNone && records[0].spanID.isNone && records[0].flags == 0)
    #expect(records[1].traceID == spans[1].traceID && records[1].spanID == spans[1].spanID && records[1].flags & 1 == 1)
    #expect(records[2].spanID == spans[0].spanID && records[2].attributes["exception.message"] == "no such cart")
    #expect(records.allSatisfy { $0.unixNano == 42 && $0.observedUnixNano == 42 })
  }

  @Test("metadata of the line goes before the provider's and the logger's; levels below the logger's are not there") func metadata() throws {
    var handler = logs.handler(label: "m")
    handler.metadataProvider = Logger.MetadataProvider { ["a": "provider", "b": "provider", "p": "provider"] }
    var logger = Logger(label: "m") { [handler] _ in handler }
    logger[metadataKey: "a"] = "logger"
    logger[metadataKey: "l"] = "logger"
    logger.debug("not there")
    logger.notice("there", metadata: ["b": "line", "list": ["x", "y"], "map": ["k": "\(7)", "c": .stringConvertible(1.5)]])
    let record = try #require(logs.drain(resource: Resource()).records.first)
    #expect(record.attributes == [
      Attribute("a", "provider"), Attribute("b", "line"), Attribute("l", "logger"), Attribute("list", .array(["x", "y"])),
      Attribute("map", .map([Attribute("c", "1.5"), Attribute("k", "7")])), Attribute("p", "provider"),
    ])
    #expect(record.severity.name == "INFO2" && record.severityText == "notice")
  }

  @Test("levels rise as severities do") func levels() {
    var logger = logger("l")
    logger.logLevel = .trace
    for level in Logger.Level.allCases { logger.log(level: level, "x") }
    let found = logs.drain(resource: Resource()).records.map(\.severity)
    #expect(found.map(\.name) == ["TRACE", "DEBUG", "INFO", "INFO2", "WARN", "ERROR", "FATAL"] && found == found.sorted())
  }

  @Test("scopes are labels; many tasks lose nothing; equal after OTLP", arguments: OTLPFormat.allCases) func otlp(format: OTLPFormat) async throws {
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<4 {
        let logger = logger("task \(task % 2)")
        group.addTask { for i in 0..<200 { logger.info("line", metadata: ["i": "\(task * 200 + i)"]) } }
      }
    }
    let batch = logs.drain(resource: Resource(attributes: [Attribute("service.name", "shop")]))
    #expect(Set(batch.resources[0].scopes.map(\.scope.name)) == ["task 0", "task 1"] && batch.recordCount == 800)
    #expect(Set(batch.records.compactMap { $0.attributes["i"]?.string }).count == 800)
    #expect(try OTLPDecoder().logs(batch.encoded(as: format), as: format).batch == batch)
    #expect(logs.drain(resource: Resource()).resources.isEmpty && logs.counts == TelemetryBufferCounts(recorded: 800, dropped: 0))
  }
}
