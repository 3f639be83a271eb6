"""A data folder in which much was done, and everything that is done with one: for tests of what an edit changes."""
