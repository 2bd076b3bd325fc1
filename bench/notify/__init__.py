"""How soon those who asked are told."""
