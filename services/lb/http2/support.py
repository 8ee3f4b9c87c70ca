"""Whether this node can speak HTTP/2: apart from `connection`, so that a node without the library `h2` can ask, too."""

from importlib.util import find_spec


def http2_is_available() -> bool:
    return find_spec("h2") is not None
