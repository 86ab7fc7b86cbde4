// What is kept beside a result: the machine and the commit it was measured on.

import Foundation
import Glibc
import LoadKernel

/// CPU model, cores, kernel, nb version, and whether open plans keep idle processors awake.
func machineDescription() -> [String: String] {
  var name = utsname()
  uname(&name)
  let kernel = withUnsafePointer(to: &name.release) {
    $0.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
  }
  let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
  let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }?
    .split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
  var found = [
    "cpu": model ?? "unknown", "cores": String(ProcessInfo.processInfo.activeProcessorCount),
    "kernel": "Linux \(kernel)", "nb": NB.version,
  ]
  if FirstTurn.isPermitted { found["priority"] = "sends may go first" }
  if AwakeProcessors.arePermitted { found["idle"] = "kept awake by open plans" }
  return found
}

func environmentLine(_ environment: [String: String]) -> String {
  ["cpu", "cores", "kernel", "nb"].compactMap { key in
    environment[key].map { key == "cores" ? "\($0) cores" : key == "nb" ? "nb \($0)" : $0 }
  }.joined(separator: ", ")
}

/// The commit checked out in a folder, read from its .git without running a program; nil outside a checkout.
func commitID(_ folder: String) -> String? {
  let git = folder + "/.git"
  guard let head = try? String(contentsOfFile: git + "/HEAD", encoding: .utf8).trimmingCharacters(in: .newlines) else { return nil }
  guard head.hasPrefix("ref: ") else { return String(head.prefix(12)) }
  let reference = String(head.dropFirst(5))
  if let id = try? String(contentsOfFile: git + "/" + reference, encoding: .utf8) { return String(id.prefix(12)) }
  let packed = (try? String(contentsOfFile: git + "/packed-refs", encoding: .utf8)) ?? ""
  return packed.split(separator: "\n").first { $0.hasSuffix(reference) }.map { String($0.prefix(12)) }
}

/// The words of the command line after nb's own name.
///
/// Swift's runtime finds them on the stack, before the environment. A preloaded library that set a variable has moved the
/// environment elsewhere, and a statically linked runtime then finds none: the kernel still knows them.
let commandWords: [String] = {
  guard CommandLine.arguments.count < 2, let bytes = FileManager.default.contents(atPath: "/proc/self/cmdline") else {
    return Array(CommandLine.arguments.dropFirst())
  }
  return bytes.split(separator: 0, omittingEmptySubsequences: false).dropFirst().dropLast().map { String(decoding: $0, as: UTF8.self) }
}()

/// The running nb, which is also its own lab.
func executablePath() -> String {
  var buffer = [CChar](repeating: 0, count: 4_096)
  let n = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  guard n > 0 else { return CommandLine.arguments[0] }
  return String(decoding: buffer[..<n].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
