import pytest

from bench import handshakes, load
from bench.load import Load
from bench.processes import BenchError
from bench.scenarios import NUMBER, SCENARIOS, Scenario

WRK = """\
Running 1s test @ http://127.0.0.1:50365/small
  1 threads and 4 connections
  Latency Distribution
     50%  376.00us
     99%    2.60ms
  10428 requests in 1.10s, 2.41MB read
Requests/sec:   9477.87
@result {"requests":10428,"microseconds":1100247,"errors":3,"p50":376,"p99":2603}
"""
AB = """\
This is ApacheBench, Version 2.3 <$Revision$>
Benchmarking 127.0.0.1 (be patient).....done

Concurrency Level:      4
Time taken for tests:   1.001 seconds
Complete requests:      588
Failed requests:        2
   (Connect: 0, Receive: 0, Length: 0, Exceptions: 2)
Total transferred:      140067 bytes
Requests per second:    587.43 [#/sec] (mean)

Percentage of the requests served within a certain time (ms)
  50%      7
  66%      8
  99%     12
 100%     15 (longest request)
"""


def scenario(name: str) -> Scenario:
    return next(one for one in SCENARIOS if one.name == name)


def test_what_wrk_prints_is_read() -> None:
    assert load.parse(WRK, "small") == Load(requests=10428, seconds=1.100247, errors=3, p50_us=376, p99_us=2603)


def test_a_wrk_that_fails_is_quoted() -> None:
    with pytest.raises(BenchError, match=r"wrk failed \(small\): unable to connect to 127.0.0.1:1 Connection refused"):
        load.parse("unable to connect to 127.0.0.1:1 Connection refused\n", "small")


def test_no_answer_at_all_is_no_measurement() -> None:
    with pytest.raises(BenchError, match=r"no answer came \(small\), 7 errors"):
        load.parse('@result {"requests":0,"microseconds":1100247,"errors":7,"p50":0,"p99":0}\n', "small")


def test_what_ab_prints_is_read() -> None:
    assert handshakes.parse(AB, "handshake") == Load(requests=588, seconds=1.001, errors=2, p50_us=7000, p99_us=12000)


def test_ab_does_not_count_all_that_fails() -> None:
    other = AB.replace("Total transferred", "Non-2xx responses:      10\nTotal transferred")
    assert handshakes.parse(other, "handshake").errors == 12
    refused = AB.replace("(be patient)...", "(be patient)..." + "SSL read failed (5) - closing connection\n" * 5)
    assert handshakes.parse(refused, "handshake").errors == 5


@pytest.mark.parametrize("text", ["", AB.replace("588", "0"), AB.partition("Percentage")[0]])
def test_an_ab_that_fails_is_no_measurement(text: str) -> None:
    with pytest.raises(BenchError, match="ab failed"):
        handshakes.parse(text, "handshake")


def test_a_repeated_request_is_one_string_of_lua() -> None:
    first = load.script('GET / HTTP/1.1\r\nUser-Agent: a "b" \\c\r\n\r\n').splitlines()[0]
    assert first == (r'wrk.format = function() return "GET / HTTP/1.1\r\nUser-Agent: a \"b\" \\c\r\n\r\n" end')


def test_a_unique_request_gets_its_number_in_each_place() -> None:
    text = load.script(scenario("unique").request)
    assert NUMBER not in text
    assert text.count(" .. number .. ") == 4
    assert 'return "GET /small?n=" .. number .. " HTTP/1.1\\r\\n' in text
