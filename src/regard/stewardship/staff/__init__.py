"""The people of an organization who sign in to the console: who they are, their passkeys, their sessions."""
