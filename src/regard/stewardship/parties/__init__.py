"""The organizations: who they are, whom they supply, which keys they hold."""
