"""Floor 1: discovery, registry, integrator and the runner of capabilities."""
