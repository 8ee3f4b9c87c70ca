"""The sockets of the data plane, and the selector that serves them inside the event loop."""
