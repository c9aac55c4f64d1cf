"""The HTTP side of `serve`: REST, a stream of events, metrics and health over the one door."""
