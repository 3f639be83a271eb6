"""Pictures themselves: decoding, crops, colours, credentials, and the shape of what is found in them."""
