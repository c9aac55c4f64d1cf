"""The repair benchmark: programs with one seeded defect each, and what `repair_python` does."""
