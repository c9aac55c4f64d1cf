"""Values into text for people. Everything that may be untrusted goes through `domain.text`."""
