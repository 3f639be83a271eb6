"""Live sessions of liveness on WebSockets: AWS's event stream, its chain of signatures, and one conversation."""
