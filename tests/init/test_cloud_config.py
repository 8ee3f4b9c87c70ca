from services.init.cloud_config import CloudConfig, parse
from services.init.write_files import WriteFile


def test_what_is_carried_out() -> None:
    config = parse(
        """#cloud-config
package_update: true
packages: [httpd, [curl, 8.0]]
write_files:
  - {path: /etc/a, content: "one\\n"}
ssh_authorized_keys: [ssh-ed25519 AAAA me]
bootcmd: [echo early]
runcmd:
  - echo $HOME
  - [touch, "/tmp/a b", 7]
"""
    )
    assert config == CloudConfig(
        files=(WriteFile("etc/a", b"one\n"),),
        bootcmd=("echo early",),
        runcmd=("echo $HOME", "touch '/tmp/a b' 7"),
        packages=("httpd", "curl"),
        authorized_keys=("ssh-ed25519 AAAA me",),
    )


def test_one_mistake_costs_no_other_key() -> None:
    config = parse(
        """#cloud-config
users: [x]
packages: httpd
runcmd: [ls, {a: b}]
write_files: [{content: x}, {path: /b}]
"""
    )
    assert config.runcmd == ("ls",)
    assert config.files == (WriteFile("b", b""),)
    text = "\n".join(config.problems)
    for word in ("users is not carried out", "packages is not a list", "runcmd: {'a': 'b'}", "without a path"):
        assert word in text


def test_what_is_no_document_is_one_problem() -> None:
    for text in ("#cloud-config\n- a", "#cloud-config\na: [", "#cloud-config\nwrite_files: 7"):
        assert len(parse(text).problems) == 1
    assert parse("#cloud-config\n") == CloudConfig()
