"""What every operation works with: the registry, the rooms, pictures, paging and errors."""
