"""What is kept: collections, faces, users, and the search among them."""
