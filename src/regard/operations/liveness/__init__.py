"""Operations on sessions of liveness, and what is done with the film of one."""
