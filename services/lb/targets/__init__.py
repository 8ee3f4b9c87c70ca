"""Target groups and their targets: who may get a request, and who gets it."""
