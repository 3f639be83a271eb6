"""Commands on live video."""
