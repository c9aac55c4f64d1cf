"""Floor 1: pure decisions and prompts; the part of the source that the agent may propose to change."""
