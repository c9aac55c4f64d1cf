"""Kills and freezes the loop and counts what was lost or done twice."""
