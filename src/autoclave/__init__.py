"""Autoclave: an autonomous agent that you can leave running and let change itself."""

__version__ = "0.1.0"
