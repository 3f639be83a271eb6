"""AWS JSON 1.1 on ASGI: what speaks of HTTP lives here."""
