"""How long tasks wait, for numbers of workers that no machine here has."""
