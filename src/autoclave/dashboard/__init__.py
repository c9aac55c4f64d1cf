"""What people watch and decide on in a terminal: Textual screens over the one door."""
