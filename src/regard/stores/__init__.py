"""Buckets of stores that speak S3, and what may be done in them for whom."""
