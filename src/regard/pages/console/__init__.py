"""The console: pages for people of an organization who signed in, each through the gate that programs pass."""
