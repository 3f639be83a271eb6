"""Whether the film of a session shows a person who was before the camera then: physics, measured off pixels."""
