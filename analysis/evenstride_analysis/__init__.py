"""The science of evenstride: from shank samples to strides, symmetry and verdicts. Pure; usable alone."""
