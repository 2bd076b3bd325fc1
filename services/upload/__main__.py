"""`python -m services.upload`."""

from meshkit.run import run
from services.upload.main import Settings, main

run("upload", Settings, main)
