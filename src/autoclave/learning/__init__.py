"""What was learnt from checked outcomes: experiences, patterns, error templates, opportunities."""
