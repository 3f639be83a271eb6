"""Operations on single pictures: faces, labels, text, moderation, equipment, redaction, audits."""
