// `nb-fuzz TARGET [libFuzzer's options and folders]`: libFuzzer on one of the targets. See `make fuzz`.

import FuzzTargets
import Glibc

@Sendable private func say(_ text: String) { _ = Array((text + "\n").utf8).withUnsafeBytes { write(2, $0.baseAddress, $0.count) } }

/// Set once, before libFuzzer starts; it calls C functions, which hold nothing.
nonisolated(unsafe) private var target: FuzzTarget = { _ in }

/// libFuzzer has the `main`, and asks here first. Its own arguments are those behind the target.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
  guard count.pointee > 1, let word = arguments.pointee[1], let chosen = fuzzTargets[String(cString: word)] else {
    say("nb-fuzz: name a target: \(fuzzTargets.keys.sorted().joined(separator: ", "))")
    exit(2)
  }
  target = chosen
  for i in 1..<Int(count.pointee) { arguments.pointee[i] = arguments.pointee[i + 1] }
  count.pointee -= 1
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do { try target(UnsafeRawBufferPointer(start: bytes, count: count)) } catch {
    say("\(error)")
    abort()
  }
  return 0
}
