"""Pure decisions: a view in, an intent out. The part of the source that the agent may change.

Nothing here reads a file, a clock or the network, and nothing is imported from the rest of the
package, so that this folder can be loaded from any home, replayed, and moved into a sealed process.
"""

from __future__ import annotations

from .deciding import decide

__all__ = ["decide"]
