"""The labelled pictures that are measured on, and their embeddings."""
