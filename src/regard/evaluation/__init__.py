"""The evaluation room: how right the answers are, what a similarity is worth, and for whom it fails."""
