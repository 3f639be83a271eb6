"""How heads are made of labelled faces: the same bytes from the same pictures."""
