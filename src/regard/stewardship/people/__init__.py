"""What the people pictured have: consent, access, erasure, review, and a way to be heard."""
