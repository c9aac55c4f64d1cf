"""Floor 1: safety rules, approvals, resources and the audit."""
