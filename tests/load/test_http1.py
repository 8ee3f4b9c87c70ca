import pytest

from lab.load.http1 import MAX_HEAD, BadResponse, Response, ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

WHOLE = {
    "length": (OK + b"Content-Length: 5\r\n\r\nhello", Response(200, None, None, 5, True)),
    "empty": (OK + b"content-length: 0\r\n\r\n", Response(200, None, None, 0, True)),
    "named": (
        OK + b"X-Instance-Id:i-1\r\nX-Availability-Zone: eu-west-1a \r\nContent-Length: 0\r\n\r\n",
        Response(200, "i-1", "eu-west-1a", 0, True),
    ),
    "close": (OK + b"Connection: Close\r\nContent-Length: 1\r\n\r\nx", Response(200, None, None, 1, False)),
    "http/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", Response(200, None, None, 1, False)),
    "http/1.0 kept": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
        Response(200, None, None, 1, True),
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204, None, None, 0, True)),
    "not modified": (b"HTTP/1.1 304\r\nContent-Length: 9\r\n\r\n", Response(304, None, None, 0, True)),
    "interim": (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        Response(200, None, None, 0, True),
    ),
    "chunks": (CHUNKED + b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", Response(200, None, None, 15, True)),
    "trailers": (CHUNKED + b"1\r\n\n\r\n0\r\nDigest: 1\r\n\r\n", Response(200, None, None, 1, True)),
    "surplus": (OK + b"Content-Length: 1\r\n\r\nxHTTP", Response(200, None, None, 1, False)),
}

BAD = {
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "http/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status 600": b"HTTP/1.1 600 Odd\r\n\r\n",
    "switching": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "signed length": OK + b"Content-Length: +1\r\n\r\n",
    "length and chunked": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "gzip coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "folded": OK + b"X: a\r\n b\r\n\r\n",
    "space before colon": OK + b"Content-Length : 1\r\n\r\n",
    "bare line feed": OK + b"X: a\nY: b\r\n\r\n",
    "nul": OK + b"X: a\0b\r\n\r\n",
    "endless head": OK + b"X: " + b"a" * MAX_HEAD,
    "chunk size": CHUNKED + b"0x5\r\nhello\r\n",
    "negative chunk": CHUNKED + b"-1\r\n",
    "long chunk": CHUNKED + b"2\r\nabc\r\n",
    "endless chunk size": CHUNKED + b"1;" + b"a" * MAX_HEAD,
    "bad trailer": CHUNKED + b"0\r\nnot a field\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_response_is_read_whole(name: str) -> None:
    data, expected = WHOLE[name]
    assert ResponseParser().feed(data) == expected


@pytest.mark.parametrize("name", WHOLE.keys() - {"surplus"})
def test_a_response_is_read_byte_by_byte(name: str) -> None:
    data, expected = WHOLE[name]
    parser = ResponseParser()
    assert [parser.feed(data[at : at + 1]) for at in range(len(data))] == [None] * (len(data) - 1) + [expected]


@pytest.mark.parametrize("name", BAD)
def test_what_is_ambiguous_or_wrong_is_refused(name: str) -> None:
    with pytest.raises(BadResponse):
        ResponseParser().feed(BAD[name])


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    parser = ResponseParser()
    assert parser.feed(OK + b"\r\nhel") is None
    assert parser.feed(b"lo") is None
    assert parser.end_of_stream() == Response(200, None, None, 5, False)


@pytest.mark.parametrize("data", [b"", OK, OK + b"Content-Length: 5\r\n\r\nhel", CHUNKED + b"5\r\nhello\r\n"])
def test_a_connection_that_ends_early_cuts_the_response_off(data: bytes) -> None:
    parser = ResponseParser()
    assert parser.feed(data) is None
    assert parser.end_of_stream() is None
