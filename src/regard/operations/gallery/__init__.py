"""Operations on what is kept: collections, faces, users, figures, search and transfer."""
