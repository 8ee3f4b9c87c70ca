import base64
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.app import user_data
from services.init.write_files import BadUserData, WriteFile, parse_entry


def boot(text: str, root: Path) -> None:
    user_data.apply(base64.b64encode(text.encode()).decode(), root)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_files_are_written_with_their_modes(root: Path) -> None:
    boot(
        """#cloud-config
package_update: true
write_files:
  - {path: /etc/a, content: "one\\n"}
  - {path: /etc/shop/b, content: dHdv, encoding: b64, permissions: '0600', owner: 'root:root'}
  - {path: /etc/c, content: "dGhy\\nZWU=", encoding: base64, permissions: 0640}
  - {path: /etc/a, content: more, encoding: text/plain, append: true}
  - {path: /etc/empty}
""",
        root,
    )
    assert files(root) == {"etc/a": b"one\nmore", "etc/shop/b": b"two", "etc/c": b"three", "etc/empty": b""}
    modes = {name: (root / "etc" / name).stat().st_mode & 0o7777 for name in ("a", "shop/b", "c")}
    assert modes == {"a": 0o644, "shop/b": 0o600, "c": 0o640}


def test_a_second_boot_writes_the_same(root: Path) -> None:
    text = "#cloud-config\nwrite_files:\n- {path: /a, content: x, permissions: '0400'}\n"
    boot(text, root)
    boot(text, root)
    assert files(root) == {"a": b"x"}


@pytest.mark.parametrize(
    "path", ["../../evil", "/../evil", "/etc/../../../evil", "a/../../evil", "//evil", "./evil", "....//evil"]
)
def test_no_path_escapes_the_root(root: Path, path: str) -> None:
    boot(f"#cloud-config\nwrite_files:\n- {{path: '{path}', content: x}}\n", root)
    assert files(root.parent).keys() in ({"root/evil"}, {"root/..../evil"})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # the folder only has to exist
@given(st.text(st.sampled_from("./\\a~ \0"), max_size=12))
def test_no_combination_of_dots_and_slashes_escapes(tmp_path: Path, path: str) -> None:
    try:
        file = parse_entry({"path": path})
    except BadUserData:
        return
    assert (tmp_path / file.path).resolve().is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize("path", ["/out/evil", "/file"])
def test_no_link_leads_out_of_the_root(root: Path, path: str, caplog: pytest.LogCaptureFixture) -> None:
    (root / "out").symlink_to(root.parent)
    (root / "file").symlink_to(root.parent / "evil")
    boot(f"#cloud-config\nwrite_files:\n- {{path: {path}, content: x}}\n- {{path: /good, content: y}}\n", root)
    assert not (root.parent / "evil").exists()
    assert (root / "good").read_bytes() == b"y"
    assert "leads out of" in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\nyum install -y httpd\n", "not run here (first line: '#!/bin/sh')"),
        ("#cloud-config\n[1, 2", "not YAML"),
        ("#cloud-config\n- a\n", "not a mapping"),
        ("#cloud-config\nwrite_files: 3\n", "not a list"),
        ("#cloud-config\nwrite_files: [3]\n", "without a path"),
        ("#cloud-config\nwrite_files: [{path: /}]\n", "not a file's path"),
        ("#cloud-config\nwrite_files: [{path: /a, content: [1]}]\n", "content is not text"),
        ("#cloud-config\nwrite_files: [{path: /a, encoding: gzip}]\n", "'gzip' is not known"),
        ("#cloud-config\nwrite_files: [{path: /a, content: '*', encoding: b64}]\n", "content is not base64"),
        ("#cloud-config\nwrite_files: [{path: /a, permissions: rw}]\n", "'rw' are not octal"),
        ("#cloud-config\nwrite_files: [{path: /a, permissions: '17777'}]\n", "'17777' are not octal"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    root: Path, text: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        boot(text, root)
    assert reason in caplog.text
    assert len(caplog.records) == 1
    assert files(root) == {}


@pytest.mark.parametrize("encoded", ["%%%", base64.b64encode(b"\xff\xfe").decode(), "é"])
def test_user_data_that_is_not_base64_of_text_is_ignored(
    root: Path, encoded: str, caplog: pytest.LogCaptureFixture
) -> None:
    user_data.apply(encoded, root)
    assert "not base64 of text" in caplog.text


@pytest.mark.parametrize("encoded", ["", base64.b64encode(b"#cloud-config\n").decode()])
def test_user_data_may_be_empty(root: Path, encoded: str, caplog: pytest.LogCaptureFixture) -> None:
    user_data.apply(encoded, root)
    assert caplog.text == ""


def test_defaults_of_an_entry() -> None:
    assert parse_entry({"path": "/etc/motd"}) == WriteFile("etc/motd", b"", 0o644, append=False)
