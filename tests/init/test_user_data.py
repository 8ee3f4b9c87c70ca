"""User data taken apart (ec2:user-data)."""

import gzip
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.init.user_data import MOST, Kind, parts

SCRIPT = "#!/bin/bash\necho hello\n"
CONFIG = "#cloud-config\nruncmd: [ls]\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SCRIPT, Kind.SCRIPT),
        ("\n\n" + SCRIPT, Kind.SCRIPT),
        (CONFIG, Kind.CLOUD_CONFIG),
        ("#cloud-boothook\necho early\n", Kind.BOOTHOOK),
    ],
)
def test_the_first_line_decides(text: str, kind: Kind) -> None:
    [part], problems = parts(text.encode())
    assert (part.kind, part.name, problems) == (kind, "part-001", [])


def test_a_script_begins_with_its_interpreter_for_the_kernel_reads_it() -> None:
    [part], _ = parts(("\n \n" + SCRIPT).encode())
    assert part.content.startswith(b"#!")


@pytest.mark.parametrize("empty", [b"", b"\n", b"  \n\t"])
def test_nothing_is_nothing(empty: bytes) -> None:
    assert parts(empty) == ([], [])


@pytest.mark.parametrize("text", ["echo hello", "<powershell>", "#include\nhttp://example.com/x"])
def test_what_is_not_carried_out_is_told_by_its_first_line(text: str) -> None:
    found, [problem] = parts(text.encode())
    assert found == []
    assert repr(text.split("\n")[0]) in problem


def multipart() -> MIMEMultipart:
    message = MIMEMultipart()
    message.attach(MIMEText(SCRIPT, "x-shellscript"))
    message.attach(MIMEText(CONFIG, "cloud-config"))
    message.attach(MIMEText(SCRIPT, "plain"))
    message.attach(MIMEText("whatever", "x-unknown"))
    return message


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_message_of_several_is_taken_in_order(pack: type[bytes]) -> None:
    found, [problem] = parts(pack(multipart().as_bytes()))
    assert [(part.kind, part.name) for part in found] == [
        (Kind.SCRIPT, "part-001"),
        (Kind.CLOUD_CONFIG, "part-002"),
        (Kind.SCRIPT, "part-003"),
    ]
    assert "text/x-unknown" in problem
    assert found[0].content.decode() == SCRIPT


def test_a_mime_part_in_base64_is_read() -> None:
    message = MIMEMultipart()
    message.attach(MIMEText("#!/bin/sh\necho café\n", "x-shellscript", "utf-8"))
    [part], _ = parts(message.as_bytes())
    assert part.content.decode() == "#!/bin/sh\necho café\n"


@pytest.mark.parametrize(
    "broken", [b"\x1f\x8bnonsense", gzip.compress(SCRIPT.encode())[:-9], gzip.compress(b"#!" + b"x" * MOST)]
)
def test_gzip_that_is_broken_or_a_bomb_is_told_and_left(broken: bytes) -> None:
    found, problems = parts(broken)
    assert found == []
    assert len(problems) == 1


@given(st.binary(max_size=400))
def test_any_bytes_are_taken(content: bytes) -> None:
    found, _ = parts(content)
    assert len({part.name for part in found}) == len(found)
