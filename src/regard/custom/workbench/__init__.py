"""Labels of one's own without a service: pictures on disk are learned from, and what came of it is a folder."""
