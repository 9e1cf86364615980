"""`python -m evenstride_gateway.cli` is `evenstride`."""

from evenstride_gateway.cli import main

main()
