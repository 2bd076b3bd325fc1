"""`python -m services.transcode.scheduler`."""

from meshkit.run import run
from services.transcode.scheduler.main import Settings, main

run("transcode", Settings, main)
