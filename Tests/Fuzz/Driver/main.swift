// `nb-fuzz TARGET [libFuzzer's options and folders]`: libFuzzer on one of the targets. See `make fuzz`.

import FuzzTargets
import Glibc

/// libFuzzer as a library, with a `main` of ours: it reads its options, and calls until it has found something or the time is over.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

func say(_ text: String) { _ = Array((text + "\n").utf8).withUnsafeBytes { write(2, $0.baseAddress, $0.count) } }

guard CommandLine.argc > 1, let target = fuzzTargets[CommandLine.arguments[1]] else {
  say("nb-fuzz: name a target: \(fuzzTargets.keys.sorted().joined(separator: ", "))")
  exit(2)
}
/// Set once, before libFuzzer starts; it calls C functions, which hold nothing.
let chosen = target

// Its own arguments are those behind the target.
var arguments = CommandLine.unsafeArgv
var count = CommandLine.argc - 1
for i in 1..<Int(CommandLine.argc) { arguments[i] = arguments[i + 1] }
exit(
  runFuzzer(&count, &arguments) { bytes, count in
    do { try chosen(UnsafeRawBufferPointer(start: bytes, count: count)) } catch {
      say("\(error)")
      abort()
    }
    return 0
  })
