"""The formats: Merkle trees, tiles, entries, signed notes, checkpoints and proofs."""
