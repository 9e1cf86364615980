"""How a pod sits on a leg: its axes, its side, and whether it stays where it is."""
