"""Event cameras: recordings as arrays, readers of their files, and binning into time steps.

An event camera has no frames. Each pixel sends an event when the logarithm of its intensity has changed by a threshold: when,
where, and whether up (polarity 1) or down (0). Times are whole microseconds, as the camera gave them.
"""

from snnviz.events.binning import Binned, frames
from snnviz.events.events import Events
from snnviz.events.reading import FORMATS, read
from snnviz.events.recordings import Recordings

__all__ = ["FORMATS", "Binned", "Events", "Recordings", "frames", "read"]
