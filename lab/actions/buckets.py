"""What a load balancer needs of a bucket before it logs to it (alb:enable-access-logging)."""

from typing import Protocol

TEST_FILE = "ELBAccessLogTestFile"
_CONTENT = b"Enable AccessLog for ELB at "


class LogBuckets(Protocol):
    """As much of the port `lab.control.ports.Buckets` as is used here."""

    def create(self, bucket: str) -> None: ...

    def put(self, bucket: str, key: str, data: bytes) -> None: ...


def prepare_log_bucket(buckets: LogBuckets, bucket: str, prefix: str, account_id: str) -> None:
    """Write the test file by which AWS finds out whether it may write, as `[prefix/]AWSLogs/ACCOUNT/ELBAccessLogTestFile`.

    AWS refuses a bucket that does not exist; the lab makes it, so that logs can be switched on with one call. Raises
    InvalidBucketName, or InvalidArgument for a prefix the lab cannot keep.
    """
    buckets.create(bucket)
    buckets.put(bucket, log_root(prefix, account_id) + TEST_FILE, _CONTENT + bucket.encode() + b"\n")


def log_root(prefix: str, account_id: str) -> str:
    """How the keys of all log files of a load balancer begin."""
    return "/".join((*filter(None, (prefix.strip("/"),)), "AWSLogs", account_id, ""))
