"""For whom the face model fails: the audit, its report, card and charts."""
