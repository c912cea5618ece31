"""Data sets by name: what there is, how it is fetched and checked, and how the papers prepare it."""
