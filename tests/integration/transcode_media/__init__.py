"""Real clips in, decoded streams out."""
