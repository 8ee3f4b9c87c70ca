"""Other balancers, set up to do what ours does."""
