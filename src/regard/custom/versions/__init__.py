"""Versions of projects: rows and states, models and features at rest, policies, and what training leaves behind."""
