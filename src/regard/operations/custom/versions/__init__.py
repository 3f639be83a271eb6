"""Operations on versions: training, states, policies and copies, and what a version tells of a picture."""
