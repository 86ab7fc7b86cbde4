// One document as a page of its own, for `nb render`: no theme, no course, nothing to look up.

/// A complete HTML page around `body`, which must be rendered (trusted) HTML; `title` is text.
///
/// - Parameter runsScripts: what the author wrote as raw HTML may execute. Otherwise a policy forbids it, whatever `body` holds.
public func standalonePage(title: String, body: String, runsScripts: Bool = false) -> String {
  let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'\">\n"
  return """
  <!DOCTYPE html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  \(runsScripts ? "" : policy)<title>\(escapedHTML(title))</title>
  </head>
  <body>
  <main>
  \(body)</main>
  </body>
  </html>

  """
}
