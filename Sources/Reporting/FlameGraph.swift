// A profile as a static flame graph: outermost function on top, width by samples, no script, no style attributes, colours
// as CSS variables with fallbacks. Labels are dark on pale in a light and in a dark theme. What no picture shows well,
// numbers, is in FlameTable.swift.

import ExperimentModel

/// A self-contained `<svg>` element of 720 units' width and at most 200,000 bytes.
///
/// Frames below 0.1 % of the samples are drawn merged as `other`, below more where that many do not fit; the description
/// says how many. With a `baseline`, both are compared by shares: frames that grew carry ▲, those that shrank ▼.
public func flameGraphSVG(_ profile: StackProfile, title: String, baseline: StackProfile? = nil, of unit: FlameUnit = .samples) -> String {
  var drawing = FlameDrawing(profile, title, baseline, unit)
  while true {
    let svg = drawing.svg
    // Above 1 everything is one frame, which always fits.
    if svg.utf8.count <= bytesMax || drawing.share > 1 { return svg }
    drawing.share *= 2
  }
}

/// What a stack's count is of.
public enum FlameUnit: Hashable, Sendable {
  /// Samples of a profiler.
  case samples
  /// Microseconds of self time of spans, of so many traces; service and name stand where library and function do.
  case spans(traces: Int)
}

private let bytesMax = 200_000

/// Pale enough for dark text (7:1 and more); a theme overrides them by `--flame-own-1` … and `--flame-library-1` ….
private let ownColors = ["#ffd98f", "#ffc3a0", "#f7e08a", "#fbb8b0"]
private let libraryColors = ["#b9d7f5", "#bfe3d0", "#d3cdf2", "#c4e1e8"]
private let grewColors = ["#fde3d3", "#fbc3a2", "#f79e6d"]
private let shrankColors = ["#dcebf8", "#b4d4f0", "#85b8e6"]

private struct FlameDrawing {
  /// Frames below this share of the samples are merged.
  var share = 0.001 { didSet { tree = tree(of: share) } }
  private var tree: FlameTree
  private let stacks: FlameTree.Sorted
  private let top3: [FunctionShare]
  let profile: StackProfile
  let title: String
  let baseline: StackProfile?
  let unit: FlameUnit
  let samples: Int
  let left = 8.0, width = 704.0, row = 19.0, top = 30.0

  init(_ profile: StackProfile, _ title: String, _ baseline: StackProfile?, _ unit: FlameUnit) {
    self.profile = profile; self.title = title; self.baseline = baseline; self.unit = unit
    samples = profile.samples
    stacks = FlameTree.sorted(profile, baseline: baseline)
    top3 = profile.top(3)
    tree = FlameTree([], hasBaseline: false, least: 1)
    tree = tree(of: share)
  }

  private func tree(of share: Double) -> FlameTree {
    FlameTree(stacks, hasBaseline: baseline != nil, least: Int((share * Double(samples)).rounded(.up)))
  }

  var svg: String {
    let height = top + row * Double(max(1, tree.depth)) + 8
    var out = """
      <svg xmlns="http://www.w3.org/2000/svg" class="plot flame" role="img" viewBox="0 0 720 \(flameNumber(height))" \
      font-family="system-ui, sans-serif" font-size="12" fill="var(--plot-ink, #24292f)">
      <title>\(escapedMarkup(cutName(title, 200)))</title>
      <desc>\(escapedMarkup(description))</desc>
      <text x="8" y="18">\(escapedMarkup(heading))</text>

      """
    out += "<g class=\"flame-frames\" stroke=\"var(--flame-edge, var(--paper, #ffffff))\" stroke-width=\"0.5\">\n"
    for frame in tree.frames { out += box(frame) }
    out += "</g>\n<g class=\"flame-labels\" fill=\"var(--flame-ink, #1b1f23)\" pointer-events=\"none\">\n"
    for frame in tree.frames { out += label(frame) }
    return out + "</g>\n</svg>\n"
  }

  private var heading: String {
    guard samples > 0 else { return unit == .samples ? "no samples" : "no spans" }
    if case .spans(let traces) = unit { return "\(amount(samples)) of \(traces) traces · width: share of the spans' time · callers on top" }
    let of = baseline.map { ", compared with \(format(MetricValue(Estimate(Double($0.samples)), .count)))" } ?? ""
    let own = format(MetricValue(Estimate(Double(samples)), .count))
    return "\(own) samples\(of) · width: share of CPU time · outermost on top"
  }

  /// What the picture shows, for those who do not see it.
  private var description: String {
    guard samples > 0 else { return unit == .samples ? "A profile without samples." : "No spans." }
    var text = ""
    if case .spans(let traces) = unit {
      text = "\(amount(samples)) in the spans of \(traces) traces, each under the span that called it."
    } else {
      text = "\(samples) samples of the stack, asked for at \(flameNumber(profile.rate)) Hz"
      text += ", in \(format(MetricValue(Estimate(profile.cpuSeconds * 1e9), .nanoseconds))) of CPU time."
    }
    if profile.dropped > 0 { text += " \(profile.dropped) samples were dropped." }
    let top = top3.map { "\(cutName($0.function, 80)) \(percent($0.own.value))" }
    text += " Most \(unit == .samples ? "samples" : "time") of their own: \(top.joined(separator: ", "))."
    if tree.mergedFrames > 0 {
      text += " \(tree.mergedFrames) frames under \(percent(share)) are merged as other, "
      text += "with \(amount(tree.mergedSamples)) in all."
    }
    if let gone = tree.gone, let baseline {
      let was = Double(gone.count) / Double(baseline.samples)
      text += " No longer there: \(cutName(gone.path.last ?? "", 80)), which had \(percent(was))."
    }
    for doubt in profile.doubts { text += " Note: \(cutName(doubt, 200))." }
    return text
  }

  // MARK: Frames

  private func box(_ frame: FlameFrame) -> String {
    let (x, width) = place(frame)
    var text = "\(name(frame)): \(amount(frame.count)), \(percent(Double(frame.count) / Double(samples)))"
    if let change = change(frame) { text += ", \(points(change)) against before" }
    return "<rect x=\"\(flameNumber(x))\" y=\"\(flameNumber(y(frame)))\" width=\"\(flameNumber(width))\""
      + " height=\"\(flameNumber(row - 1))\" fill=\"\(color(frame))\"><title>\(escapedMarkup(text))</title></rect>\n"
  }

  private func amount(_ count: Int) -> String {
    unit == .samples ? "\(count) samples" : format(MetricValue(Estimate(Double(count) * 1e3), .nanoseconds))
  }

  private func label(_ frame: FlameFrame) -> String {
    let (x, width) = place(frame)
    var text = labelName(frame)
    // Colour alone tells nobody who does not see it.
    if let change = change(frame), abs(change) >= 0.01 { text = (change > 0 ? "▲ " : "▼ ") + text }
    guard let shown = fitted(text, width - 6) else { return "" }
    return "<text x=\"\(flameNumber(x + 3))\" y=\"\(flameNumber(y(frame) + 13))\">\(escapedMarkup(shown))</text>\n"
  }

  private func name(_ frame: FlameFrame) -> String {
    guard let name = frame.name else { return "other (\(frame.merged) \(frame.merged == 1 ? "frame" : "frames"))" }
    return cutName(name, 120)
  }

  /// Without the library's name: its colour and its title tell it.
  private func labelName(_ frame: FlameFrame) -> String {
    guard let name = frame.name else { return "other" }
    let short = name.split(separator: "`").last.map(String.init) ?? name
    return cutName(short, 120)
  }

  /// Share now minus share before; nil without a baseline.
  private func change(_ frame: FlameFrame) -> Double? {
    guard let before = frame.before, let baseline, baseline.samples > 0 else { return nil }
    return Double(frame.count) / Double(samples) - Double(before) / Double(baseline.samples)
  }

  private func color(_ frame: FlameFrame) -> String {
    guard let name = frame.name else { return "var(--flame-other, #e3e6e8)" }
    if let change = change(frame) {
      if abs(change) < 0.005 { return "var(--flame-same, #eceeef)" }
      let level = abs(change) < 0.03 ? 0 : abs(change) < 0.15 ? 1 : 2
      return change > 0
        ? "var(--flame-grew-\(level + 1), \(grewColors[level]))" : "var(--flame-shrank-\(level + 1), \(shrankColors[level]))"
    }
    // A library has one colour, so that its frames are seen as one; own functions differ by name.
    if let tick = name.firstIndex(of: "`") {
      let i = hash(name[..<tick]) % libraryColors.count
      return "var(--flame-library-\(i + 1), \(libraryColors[i]))"
    }
    let i = hash(name[...]) % ownColors.count
    return "var(--flame-own-\(i + 1), \(ownColors[i]))"
  }

  private func place(_ frame: FlameFrame) -> (x: Double, width: Double) {
    let unit = width / Double(max(1, samples))
    return (left + unit * Double(frame.start), max(unit * Double(frame.count), 0.3))
  }

  private func y(_ frame: FlameFrame) -> Double { top + row * Double(frame.depth) }

  private func percent(_ share: Double) -> String { format(MetricValue(Estimate(share), .share)) }

  private func points(_ change: Double) -> String { (change > 0 ? "+" : "") + fixed(change * 100, 1, grouped: false) + " points" }
}

/// The text, or its beginning with `…`, within a width of 12-unit letters; nil below three letters.
func fitted(_ text: String, _ room: Double) -> String? {
  func width(_ character: Character) -> Double { (character.unicodeScalars.first?.value ?? 0) >= 0x1100 ? 13 : 7.3 }
  var used = 0.0
  var kept = ""
  for character in text {
    guard used + width(character) <= room else {
      while !kept.isEmpty, used + 7.3 > room { used -= width(kept.removeLast()) }
      return kept.count >= 3 ? kept + "…" : nil
    }
    used += width(character)
    kept.append(character)
  }
  return kept.isEmpty ? nil : kept
}

/// FNV-1a: the same colour in every process, which `Hasher` does not promise.
private func hash(_ text: Substring) -> Int {
  Int(text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 } >> 8)
}

/// One line of at most `limit` characters and four times as many bytes: one character may be a heap of combining marks.
func cutName(_ text: String, _ limit: Int) -> String {
  let line = oneLine(text)
  if line.utf8.count > limit * 4 {
    return String(decoding: Array(line.utf8.prefix(limit * 4 - 3)), as: UTF8.self).prefix(limit) + "…"
  }
  return line.count > limit ? line.prefix(limit - 1) + "…" : line
}

/// A coordinate with at most two decimals.
private func flameNumber(_ value: Double) -> String {
  guard value.isFinite else { return "0" }
  var text = fixed(abs(value), 2, grouped: false)
  while text.hasSuffix("0") && text.contains(".") { text.removeLast() }
  if text.hasSuffix(".") { text.removeLast() }
  return (value < 0 && text != "0" ? "-" : "") + text
}
