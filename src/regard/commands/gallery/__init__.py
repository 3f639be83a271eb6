"""Commands on a gallery: index, search, collections, figures, redaction."""
