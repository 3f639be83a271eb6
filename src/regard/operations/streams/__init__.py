"""Operations on live video."""
