"""docs/accuracy.md and its pictures, from the figures of a study."""
