"""Says who a caller is, and signs it so that every service can check it alone."""
