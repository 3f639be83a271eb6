"""Matches that people look at: what was compared, what waits, and which pairs of people were told apart."""
