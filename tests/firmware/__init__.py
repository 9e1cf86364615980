"""The pod's firmware beside the gateway."""
