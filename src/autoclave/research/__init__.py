"""Finding things out: documents split into passages, questions answered from them."""
