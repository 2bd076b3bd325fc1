"""Knows every asset: what it is, what state it is in, who may see it and what can be played of it."""
