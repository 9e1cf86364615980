"""The learned estimator: small networks say how far off a guess of an event is, until it stands still."""
