"""Floor 2: Control, the one door for people."""
