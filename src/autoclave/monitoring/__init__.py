"""Floor 1: metrics and health."""
