"""The evaluation room: how right the answers are, what a similarity is worth, and for whom it fails."""

# The kind of record and of log entry that an audit makes.
AUDIT = "regard/audit"
