"""What the pages say: plain functions from what was read to lines."""
