// The examples of the specifications, from Data/; see its README for their licence.

import Foundation

struct SpecExample: Decodable {
  var number: Int
  var section: String
  var markdown: String
  var html: String
  /// What `cmark` 0.30.2 prints; only for CommonMark.
  var safe: String?
  var unsafe: String?

  static func load(_ name: String) throws -> [SpecExample] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Data/\(name)")
    return try JSONDecoder().decode([SpecExample].self, from: Data(contentsOf: file))
  }
}
