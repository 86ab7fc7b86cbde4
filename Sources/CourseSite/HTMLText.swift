// Text on a page: escaped in the same way everywhere.

import Reporting

/// Text fit for element content and quoted attributes.
func escapedHTML(_ text: String) -> String { escapedMarkup(text) }
