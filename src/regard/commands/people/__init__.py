"""Commands for the people pictured: consents, subjects, reviews, what the public filed."""
