"""Floor 1: the sealed place where everything generated runs."""
