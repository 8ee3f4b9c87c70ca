"""The load balancer node: the data plane.

It imports the standard library, `lab.core` of the lab's code, `cryptography` (sealed cookies, certificates) and, where it is
there, `h2`: a node without that offers HTTP/1.1 only.
"""
