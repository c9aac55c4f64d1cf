"""Reviewing one proposal: the diff beside the evidence, and what a person says about it."""
