"""Heads: small linear answers on the inner layers of models that run anyway; docs/heads.md has how they are made."""
