"""`python -m services.gateway`."""

from meshkit.run import run
from services.gateway.main import Settings, main

run("gateway", Settings, main)
