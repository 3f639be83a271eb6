"""Operations on projects and datasets of custom labels and moderation adapters."""
