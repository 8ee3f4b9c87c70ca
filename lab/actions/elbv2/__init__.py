"""Actions of Elastic Load Balancing v2."""
