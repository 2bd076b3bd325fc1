"""`python -m services.metadata`."""

from meshkit.run import run
from services.metadata.main import Settings, main

run("metadata", Settings, main)
