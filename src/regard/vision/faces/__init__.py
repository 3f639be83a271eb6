"""Faces told from pixels: landmarks, pose, attributes, quality, embedding, and what a similarity means."""
