"""Many methods on many concepts, side by side."""
