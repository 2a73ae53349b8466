"""Scripts that load a NIR graph of snnviz in another simulator so that it gives snnviz's spikes, each with the shared part in it.

They import nothing of snnviz, run in the other simulator's environment, and are alike: `load` and `simulate`, and a command

    python SCRIPT GRAPH.nir IMAGES.npz SPIKES.npz

IMAGES.npz holds x, float32 (items, channels, height, width) or (items, features), and the number of steps. In SPIKES.npz
then are the spikes of every IF node by its name, (items, steps, ...), and "output", the potentials of the output layer,
(items, steps, classes).
"""

from collections.abc import Mapping
from types import MappingProxyType

TOOLS: Mapping[str, str] = MappingProxyType(
    {
        "sinabs": "sinabs==3.1.3",
        "spikingjelly": "spikingjelly==2.0.0 nir nirtorch",
        "norse": "norse==1.1.0",
        "snntorch": "snntorch==1.0.0",
    }
)
"""The simulators that there is a script for, and what `pip install` takes for each."""
