// `nb-fuzz TARGET [libFuzzer's options and folders]`: libFuzzer on one of the targets. See `make fuzz`.

import FuzzTargets
import Glibc

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argc: UnsafeMutablePointer<CInt>, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@Sendable private func say(_ text: String) { _ = Array((text + "\n").utf8).withUnsafeBytes { write(2, $0.baseAddress, $0.count) } }

/// Set once, before libFuzzer starts; it calls a C function, which holds nothing.
nonisolated(unsafe) private var target: FuzzTarget = { _ in }

@main
enum Driver {
  static func main() {
    guard CommandLine.arguments.count > 1, let chosen = fuzzTargets[CommandLine.arguments[1]] else {
      say("nb-fuzz: name a target: \(fuzzTargets.keys.sorted().joined(separator: ", "))")
      exit(2)
    }
    target = chosen
    // libFuzzer's own arguments are those behind the target.
    var arguments = ([CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)).map { strdup($0) }
    var count = CInt(arguments.count)
    arguments.append(nil)
    let code = arguments.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress!
      return withUnsafeMutablePointer(to: &start) { argv in
        runDriver(&count, argv) { bytes, count in
          do { try target(UnsafeRawBufferPointer(start: bytes, count: count)) } catch {
            say("\(error)")
            abort()
          }
          return 0
        }
      }
    }
    exit(code)
  }
}
