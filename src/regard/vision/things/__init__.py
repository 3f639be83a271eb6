"""What is in a picture besides faces: objects, scenes, text, protective equipment, what moderation looks for."""
