"""What predictions are worth: decoding, scores, statistics."""
