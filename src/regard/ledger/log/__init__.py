"""The log as it is written and served: its disk, journal, shards and public files."""
