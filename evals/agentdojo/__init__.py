"""What an agent that obeys every injected instruction gets past the gate, and what it costs."""
