"""A security policy as an OpenSSL context, and the contexts of connections to targets.

Certificates of targets are not validated, whatever they are (alb:load-balancer-target-groups).
"""

import functools
import ssl

from lab.core.elbv2.tls_policies import SecurityPolicy, offered, target_policy

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def bare_context(side: int, policy: SecurityPolicy, *, level: int) -> ssl.SSLContext:
    """`level` is OpenSSL's security level: at 1, RSA keys of 1024 bits, which ACM takes, are good enough; at 0, anything."""
    offer = offered(policy)
    context = ssl.SSLContext(side)
    context.minimum_version = _VERSIONS[offer.protocols[0]]
    context.maximum_version = _VERSIONS[offer.protocols[-1]]
    context.set_ciphers(f"{':'.join(offer.ciphers or ('DEFAULT',))}:@SECLEVEL={level}")
    # A peer that closes without a word is HTTP's to judge, which knows whether a message was complete.
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    return context


@functools.cache
def target_context(policy: SecurityPolicy) -> ssl.SSLContext:
    """For `tls_policies.target_policy` of the load balancer's listeners."""
    context = bare_context(ssl.PROTOCOL_TLS_CLIENT, policy, level=0)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def health_check_context() -> ssl.SSLContext:
    """The widest that targets are ever offered."""
    return target_context(target_policy(["ELBSecurityPolicy-TLS13-1-0-2021-06"]))
