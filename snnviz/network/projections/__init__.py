"""The kinds of projections, one file each."""
