"""The figures of a run; each function returns a new matplotlib Figure and keeps no state."""
