"""Turns uploads into streams: scheduler, workers and the media rules they share."""
