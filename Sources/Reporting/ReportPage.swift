// What a command printed as one HTML file without anything outside itself.

/// - Parameters:
///   - text: as the terminal shows it.
///   - figures: trusted HTML.
func reportPage(title: String, text: String, figures: String) -> String {
  """
  <!DOCTYPE html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
  <title>\(escapedMarkup(title))</title>
  <style>
  :root { color-scheme: light dark; --plot-ink: #24292f; }
  @media (prefers-color-scheme: dark) { :root { --plot-ink: #d9dde3; } }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  pre { overflow-x: auto; padding: 1rem; border: 1px solid #8886; border-radius: .4rem; }
  figure { margin: 2rem 0; } td, th { padding: .1rem .6rem; text-align: left; } .number { text-align: right; }
  </style>
  </head>
  <body>
  <main>
  <h1>\(escapedMarkup(title))</h1>
  <pre>\(escapedMarkup(text))</pre>
  \(figures)</main>
  </body>
  </html>

  """
}
