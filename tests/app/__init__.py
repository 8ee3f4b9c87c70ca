"""The sample application: in this process through ASGI, as real processes, and on a real PostgreSQL."""
