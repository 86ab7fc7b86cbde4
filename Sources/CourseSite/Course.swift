// What a course says about itself in course.yml: title, language, theme, the order of its lessons. Money and allowed
// targets stand in the same file for other modules; here they are only known as legal keys.

import TextModel

/// A course's description; `Course()` is that of a folder without course.yml.
public struct Course: Hashable, Sendable {
  public var title = "Notebooks"
  /// BCP 47, for the `lang` attribute.
  public var lang = "en"
  /// A folder in Themes.
  public var theme = "default"
  /// Ids (file names without `.md`) in the order of reading; empty: by name.
  public var lessons: [String] = []
  /// Hosts that are not this machine and that `nb load` may load without being told each time.
  public var targets: [String] = []
  /// Raw HTML in notebooks is kept.
  public var unsafe = false
  public init() {}
}
