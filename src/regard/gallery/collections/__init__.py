"""The ground of the room: collections, their tables, marks and tokens, and the room's errors."""
