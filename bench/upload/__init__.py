"""How fast files come in, and what that costs."""
