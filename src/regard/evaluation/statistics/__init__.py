"""Rates, intervals, bootstraps and tails: numbers without pictures."""
