"""gRPC as the mesh speaks it: deadlines, callers, checked requests and typed errors on both sides."""
