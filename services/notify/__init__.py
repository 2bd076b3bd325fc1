"""Tells everyone who asked what happens on the platform."""
