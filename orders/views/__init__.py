"""Pages for buyers: finding, opening and reading their orders."""
