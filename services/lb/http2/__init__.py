"""Clients of HTTP/2: a connection, its streams, their heads."""
