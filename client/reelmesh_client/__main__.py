"""`python -m reelmesh_client`."""

from reelmesh_client.cli import main

main()
