"""A session of liveness for people in a browser: the page, and the stream that it opens without an access key."""
