"""Bodies that come compressed: SDKs send PutMetricData so when it is long (bc:cloudwatch, requestcompression)."""

import zlib

from lab.core.errors import LabError

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as its Content-Encoding says it is meant. Raises LabError when it is not that, or longer than `limit`."""
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() != "gzip":
        raise LabError("UnsupportedMediaType", f"the lab reads gzip, not Content-Encoding {encoding}", status=415)
    reader = zlib.decompressobj(_GZIP)
    try:
        found = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise LabError("SerializationException", f"the body is not gzip: {error}") from error
    if len(found) > limit:
        raise LabError("RequestEntityTooLarge", f"a request body has at most {limit} bytes unpacked", status=413)
    if not reader.eof:
        raise LabError("SerializationException", "the body is not gzip: it ends too early")
    return found
