"""Who decides: charter, motions, ballots and suspensions, and the law that follows from them."""
