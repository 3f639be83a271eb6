"""The transparency log: bytes, hashes and signatures.

Nothing here knows what an entry says or whom it concerns.
"""
