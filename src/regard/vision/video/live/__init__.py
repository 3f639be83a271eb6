"""Live pictures: packets as cameras send them, decoded where films are."""
