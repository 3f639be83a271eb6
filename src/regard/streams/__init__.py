"""Live video: which sources there are, who looks at them, and what is told of it."""
