"""Commands on stored video."""
