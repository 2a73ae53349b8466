"""SpiNNaker through sPyNNaker: what to expect of a network there, a dry run on a virtual board, and runs on real ones.

- `snnviz.hardware.spinnaker.model`: what the chip computes, on this machine: `expect`;
- `snnviz.hardware.spinnaker.dryrun`: what the tool chain makes of a network: `dry_run`;
- `snnviz.hardware.spinnaker.targets`: a run on a board, through spalloc or through the EBRAINS job queue: `run`;
- `snnviz.hardware.spinnaker.ebrains`: the client of that queue;
- `snnviz.hardware.spinnaker.program`: the program that runs where sPyNNaker is.
"""
