"""The HTTPS listeners of a document, each with what it needs to shake hands.

Apart from `contexts`, which reads certificates: 2 MB of libraries that a node without HTTPS listeners goes without.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.core.elbv2.config import Listener, LoadBalancerConfig

if TYPE_CHECKING:
    from services.lb.tls.contexts import TlsFront


def compile_tls_fronts(
    config: LoadBalancerConfig, before: "Mapping[int, TlsFront]", *, http2: bool
) -> "dict[int, TlsFront]":
    """By port; those of `before` that still hold are kept, with their session tickets. `http2`: this node can speak it.
    Raises ValueError with the first reason, one sentence, why the document cannot be obeyed."""
    return {
        listener.port: _front(listener, before.get(listener.port), http2 and config.attributes.http2)
        for listener in config.listeners
        if listener.protocol == "HTTPS"
    }


def _front(listener: Listener, before: "TlsFront | None", http2: bool) -> "TlsFront":
    from services.lb.tls.contexts import TlsFront

    if listener.tls is None:
        raise ValueError(f"listener {listener.port} is HTTPS and has no certificates")
    if before is not None and before.tls == listener.tls and before.http2 == http2:
        return before
    try:
        return TlsFront(listener.tls, http2)
    except ValueError as error:
        raise ValueError(f"listener {listener.port} {error}") from error
