import Foundation

/// The OTLP requests in Data/, written for these tests after the structure of the specification.
enum ExampleFile: String, CaseIterable {
  case traces, metrics, logs

  var bytes: [UInt8] {
    get throws {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data")
      return [UInt8](try Data(contentsOf: folder.appendingPathComponent(rawValue + ".json")))
    }
  }
}
