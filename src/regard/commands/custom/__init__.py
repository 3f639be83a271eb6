"""Commands on labels of one's own."""
