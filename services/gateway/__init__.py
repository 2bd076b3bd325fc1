"""The public HTTP API in front of the mesh; it keeps nothing, and everything it says a service decided."""
