"""Long work that survives: jobs, their results for seven days, and the processes that work on them."""
