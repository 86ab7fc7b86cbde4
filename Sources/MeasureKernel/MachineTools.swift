// Which outside programs are here, and their versions. They are asked all at once, each in a process group of its
// own that is ended when it is silent for too long.

import CKernelShims
import Glibc

/// A program that nb or a lesson can use.
struct MachineTool: Hashable, Sendable {
  var name: String
  /// Names that it goes by, the best first.
  var programs: [String]
  /// What makes it print its version.
  var arguments: [String]
  /// What is left out without it; goes on after "not found: ".
  var without: String

  init(_ name: String, programs: [String]? = nil, _ arguments: [String] = ["--version"], without: String) {
    self.name = name
    self.programs = programs ?? [name]
    self.arguments = arguments
    self.without = without
  }

  /// Debian keeps the server off the PATH, the newest version in the last folder.
  static func postgresPrograms(_ files: MachineFiles) -> [String] {
    let root = "/usr/lib/postgresql"
    return files.list(root).sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin/postgres" }
  }

  static let all: [MachineTool] = [
    .init("swift", without: "no fences in swift"), .init("cc", programs: ["cc", "clang", "gcc"], without: "no fences in c"),
    .init("python3", without: "no fences in python"), .init("node", without: "no fences in javascript"),
    .init("java", ["-version"], without: "no fences in java"),
    .init("sqlite3", without: "nb has its own SQLite"), .init("valgrind", without: "no instruction counts without a PMU"),
    .init("git", without: "no baseline of another revision"), .init("hyperfine", without: "nothing to compare `nb bench` with"),
    .init("wrk", ["-v"], without: "nothing to compare `nb load` with"),
    .init("k6", ["version"], without: "exports for it cannot be tried"),
    .init(
      "chromium", programs: ["chromium", "chromium-browser", "google-chrome", "chrome"], without: "no lessons in a browser"),
    .init("postgres", programs: ["postgres"] + postgresPrograms(.here), without: "the lab has its own SQL"),
    .init("redis-server", without: "the lab has its own cache"), .init("memcached", ["-V"], without: "the lab has its own"),
    .init("nginx", programs: ["nginx", "/usr/sbin/nginx"], ["-v"], without: "the lab has its own server"),
    .init("haproxy", programs: ["haproxy", "/usr/sbin/haproxy"], ["-v"], without: "the lab has its own balancer"),
  ]
}

/// The first number with a point in what a program said about itself: `nginx version: nginx/1.22.1` is 1.22.1; a
/// number without a point when there is no other. nil when it said none.
func toolVersion(_ output: String) -> String? {
  var plain: String?
  var words: [String] = [""]
  for character in output.prefix(4_096) {
    if character.isASCII, character.isNumber || character == "." { words[words.count - 1].append(character) } else if words.last != "" { words.append("") }
  }
  for word in words {
    let parts = word.split(separator: ".")
    guard let first = parts.first, first.allSatisfy(\.isNumber), word.first?.isNumber == true else { continue }
    if parts.count > 1 { return parts.joined(separator: ".") }
    plain = plain ?? word
  }
  return plain
}

/// - Parameter output: what it printed; nil: it gave no answer in time.
func toolFinding(_ tool: MachineTool, path: String?, output: String?) -> MachineFinding {
  guard let path else {
    return MachineFinding("tool-\(tool.name)", tool.name, "not found: \(tool.without)", .absent)
  }
  guard let version = output.flatMap(toolVersion) else {
    return MachineFinding("tool-\(tool.name)", tool.name, "version unknown (\(path))", .unknown)
  }
  return MachineFinding("tool-\(tool.name)", tool.name, "\(version) (\(path))")
}

/// Looks for the tools on the PATH and asks those that are here.
///
/// - Parameter timeout: seconds for all of them together.
func toolFindings(_ tools: [MachineTool] = MachineTool.all, timeout: Double) -> [MachineFinding] {
  let places = tools.map { tool in tool.programs.lazy.compactMap { Tools.find($0) }.first }
  let outputs = askAll(zip(places, tools).map { place, tool in place.map { [$0] + tool.arguments } }, timeout: timeout)
  return tools.indices.map { toolFinding(tools[$0], path: places[$0], output: outputs[$0]) }
}

/// One program that was asked something.
private struct Asked {
  var pid: pid_t
  var output: Int32
  var text: [UInt8] = []
  var isOpen = true
}

/// Runs the commands side by side and returns what each printed on stdout and stderr, at most 16 KiB; nil where the
/// command is nil, could not be started or had not ended its output in time. None is left running.
func askAll(_ commands: [[String]?], timeout: Double) -> [String?] {
  let end = nb_now() + Int64(timeout * 1e9)
  var asked: [Asked?] = commands.map { $0.flatMap(start) }
  while true {
    let open = asked.indices.filter { asked[$0]?.isOpen == true }
    let left = end - nb_now()
    if open.isEmpty || left <= 0 { break }
    var waits = open.map { pollfd(fd: asked[$0]?.output ?? -1, events: Int16(POLLIN), revents: 0) }
    guard poll(&waits, nfds_t(waits.count), Int32(min(left / 1_000_000 + 1, 1_000))) > 0 else { continue }
    for (wait, index) in zip(waits, open) where wait.revents != 0 {
      var chunk = [UInt8](repeating: 0, count: 4_096)
      let n = read(wait.fd, &chunk, chunk.count)
      if n > 0 { asked[index]?.text += chunk[..<n] }
      if n == 0 || n < 0 && errno != EINTR || (asked[index]?.text.count ?? 0) > 16_384 { asked[index]?.isOpen = false }
    }
  }
  return asked.map { one in
    guard let one else { return nil }
    close(one.output)
    kill(-one.pid, SIGKILL)
    waitpid(one.pid, nil, 0)
    return one.isOpen ? nil : String(decoding: one.text, as: UTF8.self)
  }
}

private func start(_ argv: [String]) -> Asked? {
  var pipe: [Int32] = [-1, -1]
  guard nb_pipe(&pipe) == 0 else { return nil }
  defer { close(pipe[1]) }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
  posix_spawn_file_actions_adddup2(&actions, pipe[1], 2)
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
  posix_spawnattr_setpgroup(&attributes, 0)
  let arguments = argv.map { strdup($0) } + [nil]
  defer { arguments.forEach { free($0) } }
  var child: pid_t = 0
  guard posix_spawn(&child, argv[0], &actions, &attributes, arguments, environ) == 0 else {
    close(pipe[0])
    return nil
  }
  return Asked(pid: child, output: pipe[0])
}
