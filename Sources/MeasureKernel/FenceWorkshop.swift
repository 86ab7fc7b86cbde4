// From a code fence to something that can be started: compiled or checked once, then taken from the cache.
// Nothing of the fence is run here.

import ExperimentModel
import Glibc

public struct FenceWorkshop: Sendable {
  /// Folder for what was made; it is made when needed and may be removed at any time.
  public var cache: String
  /// Seconds that a compiler may take.
  public var compileTimeout = 120.0
  /// Added to those of every compiler.
  public var flags: [String] = []

  public init(cache: String) { self.cache = cache }

  /// - Throws: `MeasureError`: the tool that is missing, or what the compiler said, at the notebook's lines.
  public func build(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    switch fence.language {
    case .c: try buildC(fence)
    case .swift: try buildSwift(fence)
    case .python: try buildPython(fence)
    case .javascript: try buildJavaScript(fence)
    case .java: try buildJava(fence)
    case .shell: try buildShell(fence)
    }
  }

  // MARK: Compiled

  private func buildC(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    let compiler = try Tools.need(["cc", "clang", "gcc"], for: "the C fence `\(fence.id)`")
    var arguments = ["-O2", "-fdiagnostics-color=never", "-pthread", "-DNB_SUBJECT=subject", "-DNB_SETUP=setup"] + flags
    arguments += fence.isProcess ? ["nb-fence.c"] : ["nb-fence.c", "nb-harness.c"]
    arguments += ["-o", "subject", "-lm"]
    let key = key(fence, HarnessC.version, [compiler], arguments)
    return try made(fence, key, product: "subject") { folder throws(MeasureError) in
      let source = (fence.isProcess ? "" : HarnessC.declarations) + "#line 1 \"nb-fence.c\"\n" + fence.source + "\n"
      try FenceCache.write(source, to: "\(folder)/nb-fence.c")
      if !fence.isProcess { try FenceCache.write(HarnessC.source, to: "\(folder)/nb-harness.c") }
      try compile(fence, [compiler] + arguments, in: folder)
    }
  }

  private func buildSwift(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    let compiler = try Tools.need(["swiftc"], for: "the Swift fence `\(fence.id)`")
    // Language mode 5: a fence may have global variables without ceremony.
    var arguments = ["-O", "-swift-version", "5", "-module-name", "fence", "-diagnostic-style", "llvm"] + flags
    guard !fence.isProcess else {
      arguments += (fence.source.contains("@main") ? ["-parse-as-library"] : []) + ["nb-fence.swift", "-o", "subject"]
      return try made(fence, key(fence, 0, [compiler], arguments), product: "subject") { folder throws(MeasureError) in
        try FenceCache.write(fence.source + "\n", to: "\(folder)/nb-fence.swift")
        try compile(fence, [compiler] + arguments, in: folder)
      }
    }
    let linker = try Tools.need(["clang", "cc", "gcc"], for: "the harness of the Swift fence `\(fence.id)`")
    let harness = ["-O2", "-DNB_SUBJECT=nb_subject", "-DNB_SETUP=nb_setup", "-c", "nb-harness.c", "-o", "nb-harness.o"]
    arguments += ["-wmo", "-parse-as-library", "nb-fence.swift", "nb-exports.swift", "nb-harness.o", "-o", "subject"]
    let key = key(fence, HarnessC.version, [compiler, linker], arguments)
    return try made(fence, key, product: "subject") { folder throws(MeasureError) in
      try FenceCache.write(fence.source + "\n", to: "\(folder)/nb-fence.swift")
      let hasSetup = fence.source.contains("func setup(")
      try FenceCache.write(HarnessC.swiftExports(hasSetup: hasSetup), to: "\(folder)/nb-exports.swift")
      try FenceCache.write(HarnessC.source, to: "\(folder)/nb-harness.c")
      try compile(fence, [linker] + harness, in: folder)
      try compile(fence, [compiler] + arguments, in: folder)
    }
  }

  // MARK: Interpreted

  private func buildPython(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    let python = try Tools.need(["python3", "python"], for: "the Python fence `\(fence.id)`")
    let key = key(fence, HarnessPython.version, [python], [])
    var built = try made(fence, key, product: "nb-fence.py") { folder throws(MeasureError) in
      try FenceCache.write(fence.source + "\n", to: "\(folder)/nb-fence.py")
      try FenceCache.write(HarnessPython.source + "\n", to: "\(folder)/nb-harness.py")
      try compile(fence, [python, "-B", "nb-harness.py", "check", "nb-fence.py"], in: folder)
    }
    let chosen = FenceCache.read("\(built.folder)/interpreter").flatMap { Tools.find($0) } ?? python
    let files = (fence.isProcess ? [] : ["\(built.folder)/nb-harness.py"]) + ["\(built.folder)/nb-fence.py"]
    built.argv = [chosen, "-B"] + (fence.options ?? []) + files
    return built
  }

  private func buildJavaScript(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    let node = try Tools.need(["node"], for: "the JavaScript fence `\(fence.id)`")
    let key = key(fence, HarnessJavaScript.version, [node], [])
    var built = try made(fence, key, product: "nb-fence.mjs") { folder throws(MeasureError) in
      try FenceCache.write(fence.source + "\n", to: "\(folder)/nb-fence.mjs")
      try FenceCache.write(HarnessJavaScript.source + "\n", to: "\(folder)/nb-harness.mjs")
      try compile(fence, [node, "--check", "nb-fence.mjs"], in: folder)
    }
    let files = (fence.isProcess ? [] : ["\(built.folder)/nb-harness.mjs"]) + ["\(built.folder)/nb-fence.mjs"]
    built.argv = [node] + (fence.options ?? []) + files
    return built
  }

  /// Its first class has `main`. It is compiled, so that the compiler is not in what is measured.
  private func buildJava(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    let what = "the Java fence `\(fence.id)`"
    let java = try Tools.need(["java"], for: what)
    let compiler = try Tools.need(["javac"], for: what)
    guard let name = firstClass(fence.source) else { throw MeasureError("\(what) has no class", remedy: "write `class Main` with `static void main`") }
    let arguments = ["-encoding", "UTF-8", "nb-fence.java"]
    var built = try made(fence, key(fence, 0, [java, compiler], arguments), product: "\(name).class") { folder throws(MeasureError) in
      try FenceCache.write(fence.source + "\n", to: "\(folder)/nb-fence.java")
      try compile(fence, [compiler] + arguments, in: folder)
    }
    built.argv = [java] + (fence.options ?? []) + ["-cp", built.folder, name]
    return built
  }

  /// The name behind `class` on the first line that begins with it, or with modifiers and it: a comment's does not.
  private func firstClass(_ source: String) -> String? {
    let modifiers: Set = ["public", "final", "abstract", "strictfp", "sealed"]
    for line in source.split(whereSeparator: \.isNewline) {
      let words = line.split { !($0.isLetter || $0.isNumber || "_$/*".contains($0)) }.drop { modifiers.contains(String($0)) }
      if words.first == "class", let name = words.dropFirst().first { return String(name) }
    }
    return nil
  }

  /// Nothing is kept: checking the syntax costs less than a millisecond.
  private func buildShell(_ fence: FenceSpec) throws(MeasureError) -> BuiltFence {
    let shell = try Tools.need(["sh"], for: "the shell fence `\(fence.id)`")
    try compile(fence, [shell, "-n", "-c", fence.source], in: "/")
    return BuiltFence(fence: fence, isCached: false, warnings: [], folder: "", argv: [shell, "-c", fence.source, "sh"])
  }

  // MARK: Common

  /// Everything that can change the product; the fence's place in the notebook cannot.
  private func key(_ fence: FenceSpec, _ version: Int, _ tools: [String], _ arguments: [String]) -> String {
    ([fence.language.rawValue, fence.isProcess ? "process" : "harness \(version)"] + tools.map(Tools.identity)
      + [arguments.joined(separator: " "), fence.source]).joined(separator: "\n")
  }

  private func made(
    _ fence: FenceSpec, _ key: String, product: String, make: (String) throws(MeasureError) -> Void
  ) throws(MeasureError) -> BuiltFence {
    let entry = try FenceCache(folder: cache).entry(key, product: product, make: make)
    let warnings = CompilerMessages.parse(FenceCache.read("\(entry.folder)/messages") ?? "", fence)
    return BuiltFence(
      fence: fence, isCached: entry.isHit, warnings: warnings, folder: entry.folder, argv: ["\(entry.folder)/\(product)"])
  }

  /// Runs a compiler or checker in `folder` and keeps what it said there.
  private func compile(_ fence: FenceSpec, _ argv: [String], in folder: String) throws(MeasureError) {
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(nothing) }
    let launcher = try Launcher(
      name: "the \(fence.language.rawValue) fence `\(fence.id)`: \(argv[0])", argv: argv, environment: ["LC_ALL": "C"],
      folder: folder, endsWithParent: true)
    var plan = ExecutionPlan(input: nothing, nothing: nothing, captures: true, timeout: compileTimeout)
    plan.outputLimit = 16 << 20
    plan.kept = 1 << 20
    let done = try launcher.execute(plan)
    let said = String(decoding: (done.output?.head ?? []) + (done.errors?.head ?? []), as: UTF8.self)
    guard done.end.isSuccess else { throw failure(fence, argv[0], done.end, said) }
    if folder != "/" { try FenceCache.write(said, to: "\(folder)/messages") }
  }

  private func failure(_ fence: FenceSpec, _ tool: String, _ end: ProcessEnd, _ said: String) -> MeasureError {
    let messages = fence.language == .javascript ? CompilerMessages.parseNode(said, fence) : CompilerMessages.parse(said, fence)
    let what = "the \(fence.language.rawValue) fence `\(fence.id)` does not compile"
    if let first = messages.first(where: { $0.kind == .error }) {
      return MeasureError(
        "\(what): line \(first.line): \(first.text)", remedy: "correct it at \(first.path):\(first.line)", messages: messages)
    }
    // The only names outside the fence that can be missing are those of its contract.
    if said.contains("subject"), said.contains("nb-exports.swift") || said.contains("undefined reference") {
      let shape = fence.language == .swift ? "func subject(_ n: Int) -> Int" : "long subject(long n)"
      return MeasureError(
        "\(what): it does not define `\(shape)`", remedy: "define it; a fence with its own main is marked `mode=process`",
        messages: messages)
    }
    let last = said.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " / ")
    return MeasureError("\(what): \(tool) ended with \(end): \(last.suffix(400))", remedy: "run it by hand", messages: messages)
  }
}
