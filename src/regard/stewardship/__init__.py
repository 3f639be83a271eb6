"""Who may do what to whom, and who said so."""
