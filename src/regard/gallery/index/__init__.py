"""The search among templates: codes, blocks, caches and the mirror that follows the database."""
