"""Floor 1: edits, gates, the applier and the lineage of changes to ourselves."""
