"""The whole mesh on one machine, from wheels: real servers, no Docker, no root needed."""
