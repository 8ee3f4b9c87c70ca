"""The load generator, against an origin in the same event loop."""
