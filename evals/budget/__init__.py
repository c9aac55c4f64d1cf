"""Sixteen goals, slow answers that cost money, a cap that is too small for them, and a kill."""
