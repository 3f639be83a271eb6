"""Commands on the log: checking, receipts, reports, witnesses."""
