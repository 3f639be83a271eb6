"""Commands on jobs and on those who work on them."""
