"""Pages of the console on labels of one's own: projects, versions, and what a version confuses."""
