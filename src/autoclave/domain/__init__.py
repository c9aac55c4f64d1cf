"""Floor 0: the frozen values and the ports that everybody shares; standard library only."""
