"""The pages of the transparency log: its files, what they say in words, and what verifies them; and of a witness."""
