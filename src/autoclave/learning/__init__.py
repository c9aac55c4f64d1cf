"""Floor 1: the knowledge base, the pattern engine and experience replay."""
