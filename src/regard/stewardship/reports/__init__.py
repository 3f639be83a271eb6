"""What a period of the public log comes to, in figures and in words."""
