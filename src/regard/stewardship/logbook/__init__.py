"""The entries that calls, motions and decisions make in the log, and what is kept sealed beside them."""
