"""For whom the face model fails: the audit, its report, card and charts."""

# The kind of record and of log entry that an audit makes.
AUDIT = "regard/audit"
