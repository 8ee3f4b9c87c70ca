"""TLS to clients and to targets."""
