"""Whoever checks a log from outside: audits, series of logs, witnesses and their cosignatures."""
