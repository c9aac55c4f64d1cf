"""How fast the command line starts, and what an idle agent costs."""
