"""Whether this node can speak HTTP/2: apart from `http2`, so that a node without the library `h2` can ask, too."""

from importlib.util import find_spec


def available() -> bool:
    return find_spec("h2") is not None
