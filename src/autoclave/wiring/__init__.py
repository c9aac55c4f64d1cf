"""Settings in, agent out: the only place that names concrete classes."""

from .control import open_control

__all__ = ["open_control"]
