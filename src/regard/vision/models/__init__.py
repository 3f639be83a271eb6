"""Model files: where they come from, how they are converted, run and let go of."""
