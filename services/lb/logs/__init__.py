"""The three logs of an Application Load Balancer node, as AWS writes them: access, connection and health check logs.

    entry ──append──▶ queue ──flush, in slices──▶ lines ──thread──▶ open/ ──rotate──▶ closed/ ──gzip──▶ ready/ ──PUT──▶ bucket
    (entry.py)                (access.py, connection.py, health.py)  (spool.py, writer.py)       (packing.py, delivery.py)

`logs.Logs` is the one object the node knows; `delivery.Delivery` runs once per machine and takes what any process finished.
"""
