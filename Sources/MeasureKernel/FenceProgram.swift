// A code fence → something that runs. What has to be compiled is compiled once and kept under the hash of
// everything that went into it; what a compiler or interpreter says is put at the lines of the notebook.

import CKernelShims
import ExperimentModel
import Glibc

public struct FenceProgram {
  /// Folder for compiled fences; made when it is missing.
  let cache: String
  private let limits: ResourceLimits
  /// Bytes that a fence may print in all.
  static let outputLimit = 16 << 20
  private static let compileTimeout = 120.0
  private static let startTimeout = 20.0

  public init(cache: String, limits: ResourceLimits = .init()) {
    self.cache = cache
    self.limits = limits
  }

  /// The fence as a subject, compiled and started.
  ///
  /// - Throws: `MeasureError`; with `messages` where a compiler or interpreter named lines.
  public func subject(_ fence: FenceSpec, name: String, prepare: String? = nil) throws(MeasureError) -> any TimedSubject {
    guard fence.language != .shell else {
      return try CommandSubject(name: name, command: CommandSpec(text: fence.source, usesShell: true), prepare: prepare, limits: limits)
    }
    let argv = try command(fence, name)
    guard !fence.isProcess else {
      return try CommandSubject(
        name: name, command: CommandSpec(text: argv.map { "'\($0)'" }.joined(separator: " "), usesShell: false), prepare: prepare, limits: limits)
    }
    let launcher = try Launcher(name: "subject \(name)", argv: argv, limits: limits, endsWithParent: true)
    return try SubjectProcess(
      name: name, launcher: launcher, outputLimit: Self.outputLimit, timeout: Self.startTimeout,
      // node compiles and collects garbage on threads of its own.
      isPinned: fence.language != .javascript, explain: { Self.explained($0, fence, name) })
  }

  /// What starts the fence; compiles it if need be.
  private func command(_ fence: FenceSpec, _ name: String) throws(MeasureError) -> [String] {
    switch fence.language {
    case .c: return [try compiled(fence, name), String(fence.n)]
    case .swift: return [try compiled(fence, name), String(fence.n)]
    case .python:
      let python = try Tools.need(["python3"], for: "the fence `#\(fence.id)`")
      let folder = try kept(["python", HarnessSource.python, fence.source], [("fence.py", fence.source), ("harness.py", HarnessSource.python)])
      return [python, "-B", "\(folder)/harness.py", "\(folder)/fence.py", shown(fence), String(fence.line), String(fence.n)]
    case .javascript:
      let node = try Tools.need(["node", "nodejs"], for: "the fence `#\(fence.id)`")
      let padded = String(repeating: "\n", count: max(0, fence.line - 1)) + fence.source
      let folder = try kept(["node", HarnessSource.javascript, padded], [("fence.mjs", padded), ("harness.mjs", HarnessSource.javascript)])
      return [node, "\(folder)/harness.mjs", "\(folder)/fence.mjs", shown(fence), String(fence.line), String(fence.n)]
    case .shell: return ["/bin/sh", "-c", fence.source]
    }
  }

  private func shown(_ fence: FenceSpec) -> String { fence.path.isEmpty ? "fence \(fence.id)" : fence.path }

  // MARK: Compiling

  private func compiled(_ fence: FenceSpec, _ name: String) throws(MeasureError) -> String {
    let isSwift = fence.language == .swift
    let cc = try Tools.need(["clang", "cc", "gcc"], for: "the fence `#\(fence.id)`")
    let compiler = isSwift ? try Tools.need(["swiftc"], for: "the fence `#\(fence.id)`") : cc
    let hasSetup = fence.source.contains("func setup(")
    let folder = try kept(
      [
        fence.language.rawValue, HarnessSource.c, Tools.identity(compiler), Tools.identity(cc), fence.isProcess ? "process" : "", fence.path,
        String(fence.line), fence.source,
      ],
      isSwift
        ? [
          (fence.isProcess ? "main.swift" : "fence.swift", "#sourceLocation(file: \"\(fence.path)\", line: \(fence.line))\n" + fence.source + "\n"),
          ("glue.swift", HarnessSource.swiftGlue(hasSetup: hasSetup)), ("harness.c", HarnessSource.c),
        ]
        : [("fence.c", "#line \(fence.line) \"\(fence.path)\"\n" + fence.source + "\n"), ("harness.c", HarnessSource.c)])
    let program = folder + "/program"
    if access(program, X_OK) == 0 { return program }
    let new = folder + "/program.\(getpid())"
    defer { unlink(new) }
    // Frame pointers cost next to nothing and let a profiler walk the stack.
    let flags = ["-O2", "-g", "-fno-omit-frame-pointer"]
    if !fence.isProcess {
      let names = isSwift ? ["-DNB_SUBJECT=nb_swift_subject", "-DNB_SETUP=nb_swift_setup"] : ["-DNB_SUBJECT=subject", "-DNB_SETUP=setup"]
      try run([cc] + flags + names + ["-c", "harness.c", "-o", "harness.o"], folder, fence, name)
    }
    if isSwift {
      // Each file for itself: with all in one the call could be seen through.
      let files = fence.isProcess ? ["main.swift"] : ["-parse-as-library", "fence.swift", "glue.swift", "harness.o"]
      try run([compiler, "-O", "-g", "-no-whole-module-optimization", "-module-name", "fence"] + files + ["-o", new], folder, fence, name)
    } else {
      try run([cc] + flags + ["fence.c"] + (fence.isProcess ? [] : ["harness.o"]) + ["-lm", "-o", new], folder, fence, name)
    }
    guard rename(new, program) == 0 else { throw MeasureError("subject \(name): \(program) could not be written", remedy: "look at the disk") }
    return program
  }

  private func run(_ argv: [String], _ folder: String, _ fence: FenceSpec, _ name: String) throws(MeasureError) {
    let (end, text) = try Captured.run(argv, name: "the compiler of \(name)", folder: folder, timeout: Self.compileTimeout)
    guard !end.isSuccess else { return }
    let messages = Self.messages(text, fence)
    let first = messages.first { $0.kind == .error }
    throw MeasureError(
      "the fence `#\(fence.id)` does not compile: " + (first?.description ?? String(text.suffix(600)).split(whereSeparator: \.isNewline).suffix(3).joined(separator: " / ")),
      remedy: first == nil ? "the fence defines `subject(n)`; try it with the compiler" : "correct the fence at that line", messages: messages)
  }

  /// `PATH:LINE:COLUMN: error: TEXT` at lines of the notebook.
  static func messages(_ text: String, _ fence: FenceSpec) -> [SourceMessage] {
    var found: [SourceMessage] = []
    for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(fence.path + ":") {
      let parts = line.dropFirst(fence.path.count + 1).split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
      guard parts.count == 4, let number = Int(parts[0]), let column = Int(parts[1]) else { continue }
      let kind = parts[2].filter { $0 != " " }
      guard let kind = SourceMessage.Kind(rawValue: kind == "fatalerror" ? "error" : kind) else { continue }
      let message = SourceMessage(kind: kind, path: fence.path, line: number, column: column, text: String(parts[3].drop { $0 == " " }))
      if !found.contains(message) { found.append(message) }
    }
    return found
  }

  /// `at LINE:COLUMN: TEXT` of an interpreter's harness.
  static func explained(_ text: String, _ fence: FenceSpec, _ name: String) -> MeasureError? {
    guard text.hasPrefix("at ") else { return nil }
    let parts = text.dropFirst(3).split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let line = Int(parts[0]), let column = Int(parts[1]), line > 0 else { return nil }
    let message = SourceMessage(
      kind: .error, path: fence.path, line: line, column: column > 0 ? column : nil, text: String(parts[2].drop { $0 == " " }))
    return MeasureError("subject \(name): \(message)", remedy: "correct the fence `#\(fence.id)` at that line", messages: [message])
  }

  // MARK: Keeping

  /// A folder that is named after `key` and holds `files`.
  private func kept(_ key: [String], _ files: [(name: String, text: String)]) throws(MeasureError) -> String {
    let folder = cache + "/" + Self.digest(key)
    guard Self.makeFolders(folder) else { throw MeasureError("the folder \(folder) could not be made", remedy: "look at its permissions") }
    for file in files {
      let path = folder + "/" + file.name
      if access(path, R_OK) == 0 { continue }
      guard Self.write(file.text, to: path) else { throw MeasureError("\(path) could not be written", remedy: "look at the disk") }
    }
    return folder
  }

  /// 128 bits of FNV-1a over the parts, each with its length before it; names a folder, guards nothing.
  static func digest(_ key: [String]) -> String {
    let bytes = key.flatMap { part in Array("\(part.utf8.count):\(part)".utf8) }
    let hashes = [0xCBF2_9CE4_8422_2325, 0x8422_2325_CBF2_9CE4].map { (start: UInt64) in nb_hash(start, bytes, bytes.count) }
    return hashes.map { hash in String(repeating: "0", count: 16 - String(hash, radix: 16).count) + String(hash, radix: 16) }.joined()
  }

  private static func makeFolders(_ path: String) -> Bool {
    var made = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made == "/" ? "" : "/") + part
      if !made.isEmpty, mkdir(made, 0o755) != 0, errno != EEXIST { return false }
    }
    return true
  }

  /// Written beside and renamed: another nb never sees half a file.
  private static func write(_ text: String, to path: String) -> Bool {
    let new = path + ".\(getpid())"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let n = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if n > 0 { written += n } else if errno != EINTR { break }
    }
    close(descriptor)
    return written == bytes.count && rename(new, path) == 0
  }
}

/// A program that is run once for what it says.
enum Captured {
  static func run(_ argv: [String], name: String, folder: String? = nil, timeout: Double) throws(MeasureError) -> (end: ProcessEnd, text: String) {
    let launcher = try Launcher(name: name, argv: argv, folder: folder, endsWithParent: true)
    var channel: [Int32] = [-1, -1]
    guard nb_pipe(&channel) == 0 else { throw MeasureError("\(name): no pipe: \(String(cString: strerror(errno)))") }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    let reader = PipeReader(channel[0], limit: 4 << 20, kept: 256 << 10)
    let pid: pid_t
    do { pid = try launcher.start((nothing, channel[1], channel[1], -1)).pid } catch {
      close(channel[1])
      throw error
    }
    close(channel[1])
    let deadline = nb_now() + Int64(timeout * 1e9)
    while reader.isOpen, !reader.isOverLimit, nb_now() < deadline {
      var poller = pollfd(fd: reader.descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&poller, 1, 200) > 0 { reader.read() }
    }
    let late = reader.isOpen
    Launcher.endGroup(pid)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    launcher.endDescendants(ofGroup: pid)
    guard !late else { throw MeasureError("\(name) was ended: it took longer than \(Int(timeout)) s or said too much") }
    return (ProcessEnd(status: status), String(decoding: reader.head, as: UTF8.self))
  }
}
