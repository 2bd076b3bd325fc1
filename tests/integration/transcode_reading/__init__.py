"""How much of a source a worker reads, how much room it takes, and what it makes of a store that fails."""
