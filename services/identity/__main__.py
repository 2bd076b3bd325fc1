"""`python -m services.identity`."""

from meshkit.run import run
from services.identity.main import Settings, main

run("identity", Settings, main)
