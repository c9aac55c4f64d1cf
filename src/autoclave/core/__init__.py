"""Floor 1: the loop, the journal, state, recovery and the language model adapters."""
