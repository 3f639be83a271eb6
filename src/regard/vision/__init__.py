"""Pictures and what is seen in them: decoding, model files, runtimes, faces."""
