"""The rules in force, and the words that they are written in."""
