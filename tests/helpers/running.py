"""A service of its own for tests: `regard serve` in a process, as a user starts it."""

from regard.commands.pictures.demo import OwnService as Running
from regard.commands.pictures.demo import own_service as running

__all__ = ["Running", "running"]
