"""Floor 1: finding things out."""
