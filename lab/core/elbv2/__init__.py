"""Elastic Load Balancing v2: the configuration a node runs by, target health, and the resources behind them."""
