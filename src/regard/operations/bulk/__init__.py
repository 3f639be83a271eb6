"""Operations on many pictures at once."""
