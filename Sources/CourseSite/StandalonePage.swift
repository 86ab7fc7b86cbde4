// One document as a page of its own, for `nb render`: no theme, no course, nothing to look up.

/// A complete HTML page around `body`, which must be rendered (trusted) HTML; `title` is text.
public func standalonePage(title: String, body: String) -> String {
  """
  <!DOCTYPE html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>\(escapedHTML(title))</title>
  </head>
  <body>
  <main>
  \(body)</main>
  </body>
  </html>

  """
}
