"""Pages on what workers are at: jobs, and live video."""
