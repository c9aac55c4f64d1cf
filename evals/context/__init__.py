"""What a long goal costs with our conversation, and with the conversations of others."""
