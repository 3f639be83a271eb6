"""Custom labels and moderation adapters: projects, their datasets, and what is trained from them."""
