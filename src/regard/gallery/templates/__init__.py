"""Templates at rest: sealing, the keys of subjects and collections, rotation, shares of a council."""
