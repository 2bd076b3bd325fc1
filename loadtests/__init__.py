"""Load on a mesh of this machine: how much the API carries, and how fast workers work."""
