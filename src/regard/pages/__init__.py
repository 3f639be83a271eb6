"""Pages and our own HTTP API beside AWS's: for people, reviewers, councils and outsiders."""
