"""`python -m services.notify`."""

from meshkit.run import run
from services.notify.main import Settings, main

run("notify", Settings, main)
