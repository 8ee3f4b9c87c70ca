import pytest

from services.app.settings import DEFAULT_ROOT, Database, Machine, parse_env_file, settings_from

VALUES = {"DATABASE_HOST": "db.internal", "DATABASE_NAME": "shop", "DATABASE_USER": "shop"}


def test_an_env_file_has_comments_quotes_and_equals_signs() -> None:
    text = "# a comment\n; another=1\n\n A=1 \nB = 'two words' \nC=a=b\nD=\"x\nE=\nno equals sign\n"
    assert parse_env_file(text) == {"A": "1", "B": "two words", "C": "a=b", "D": '"x', "E": ""}


def test_a_whole_configuration() -> None:
    settings = settings_from({**VALUES, "DATABASE_PORT": "5433", "DATABASE_PASSWORD": "p", "APP_VERSION": "7"})
    assert settings.database == Database("db.internal", 5433, "shop", "shop", "p")
    assert settings.app_version == "7"


def test_a_bad_build_is_bad_with_a_database_and_without() -> None:
    assert [settings_from({**more, "FAULT": "fail"}).unwell for more in (VALUES, {})] == [True, True]
    assert [settings_from({**VALUES, "FAULT": text}).unwell for text in ("", "ok")] == [False, False]


def test_the_port_is_postgresqls_unless_said_otherwise() -> None:
    database = settings_from(VALUES).database
    assert database is not None
    assert database.port == 5432


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "has no DATABASE_HOST"),
        ({"DATABASE_HOST": "a"}, "not DATABASE_NAME and DATABASE_USER"),
        ({**VALUES, "DATABASE_USER": ""}, "not DATABASE_USER"),
        ({**VALUES, "DATABASE_PORT": "https"}, "'https', not a port number"),
        ({**VALUES, "DATABASE_PORT": "70000"}, "'70000', not a port number"),
        ({**VALUES, "DATABASE_PORT": "²"}, "not a port number"),
    ],
)
def test_without_a_usable_database_there_is_a_reason(values: dict[str, str], reason: str) -> None:
    settings = settings_from(values)
    assert settings.database is None
    assert reason in settings.no_database


def test_a_machine_without_environment_runs_too() -> None:
    machine = Machine.from_environment({})
    assert (machine.instance_id, machine.bind, machine.port) == ("i-local", "0.0.0.0", 8000)
    assert machine.root == DEFAULT_ROOT


def test_a_port_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="http"):
        Machine.from_environment({"LAB_PORT_8000": "http"})
