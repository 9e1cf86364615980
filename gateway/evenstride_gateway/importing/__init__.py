"""A run that pods did without a gateway: fetched from their logs, dated, paired, stored (docs/decisions/0025)."""
