"""Stored video: frames decoded in a process of its own, within limits, and chosen by one rule."""
