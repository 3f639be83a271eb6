"""Operations on stored video."""
