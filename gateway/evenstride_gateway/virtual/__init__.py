"""The virtual radio and what lives on it (Bumble): the demo, the tests and the door for firmware in other processes."""
