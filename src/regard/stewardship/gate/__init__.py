"""The one door to every operation, and what is explained and audited of it."""
