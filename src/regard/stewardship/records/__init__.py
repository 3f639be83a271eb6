"""The ground of the room: its tables, and the append-only record of what was decided."""
