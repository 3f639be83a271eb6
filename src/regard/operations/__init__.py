"""The operations of the API: each a short function that puts the rooms below together."""
