"""A libpq connection string is read as libpq reads it, and no part of a password is ever shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn
from pydantic import SecretStr

from billing_pipeline.errors import SettingsError
from billing_pipeline.lake.catalogue import Catalogue
from billing_pipeline.settings import PipelineSettings


@pytest.mark.parametrize(
    ("connection_string", "parameters", "password"),
    [
        ("host=db dbname=lake", {"host": "db", "dbname": "lake"}, None),
        (r"host=db password='it\'s \\ here' port=1", {"host": "db", "port": "1"}, r"it's \ here"),
        (r"password=it\'s\ here host=db", {"host": "db"}, "it's here"),
        (
            "postgresql://me:p%40ss%3Aw%2F@db.example:5433/lake?sslmode=require",
            {"host": "db.example", "port": "5433", "user": "me", "dbname": "lake", "sslmode": "require"},
            "p@ss:w/",
        ),
        ("postgres:///lake?host=/run/postgresql", {"dbname": "lake", "host": "/run/postgresql"}, None),
        ("postgresql://one:1,two:2/lake", {"host": "one,two", "port": "1,2", "dbname": "lake"}, None),
        ("postgresql://me:a[b]c@db/lake", {"host": "db", "user": "me", "dbname": "lake"}, "a[b]c"),
        (
            "postgresql://db/lake?password=a+b%2B&sslmode=&options=-c%20x",
            {"host": "db", "dbname": "lake", "options": "-c x"},
            "a+b+",
        ),
    ],
)
def test_parse__either_form__parameters_and_password_apart(
    connection_string: str, parameters: dict[str, str], password: str | None
) -> None:
    catalogue = Catalogue.parse(connection_string)

    assert catalogue.parameters == parameters
    assert (catalogue.password.get_secret_value() if catalogue.password else None) == password


@pytest.mark.parametrize(
    ("connection_string", "problem"),
    [
        (" host = db  password = 'secret''s' ", "libpq connection string"),
        ("password=secret and more", "libpq connection string"),
        ("host=db password='secret", "libpq connection string"),
        ("password=my secret=1 host=db", "libpq connection string"),
        ("postgresql://billing:12/secret@db/lake", "libpq connection string"),
        ("postgresql://me:my@secret@db/lake", "libpq connection string"),
        ("postgresql://me:secret/lake", "libpq connection string"),
        ("postgresql://me:%secret@db/lake", "libpq connection string"),
        ("host=db sslpassword=secret", "sslpassword"),
        ("host=db hots=1 password=secret", 'invalid connection option "hots"'),
        ("", "no parameter"),
    ],
)
def test_parse__bad_or_ambiguous__refused_without_the_password(connection_string: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=r"^BILLING_WAREHOUSE \(the warehouse: ") as refused:
        Catalogue.parse(connection_string)

    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)


@given(st.dictionaries(st.sampled_from(["host", "user", "options"]), st.text(min_size=1), min_size=1))
def test_dsn__any_values__survive_a_round_trip_through_libpq(parameters: dict[str, str]) -> None:
    values = {name: value.replace("\0", "-") for name, value in parameters.items()}

    assert values.items() <= parse_dsn(Catalogue(values).dsn).items()


def test_dsn__timeouts_not_set__get_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_dsn(Catalogue({"host": "db"}).dsn)["connect_timeout"] == "10"
    assert parse_dsn(Catalogue({"host": "db", "connect_timeout": "3"}).dsn)["connect_timeout"] == "3"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "20")
    assert "connect_timeout" not in parse_dsn(Catalogue({"host": "db"}).dsn)


def test_catalogue__password__never_shown() -> None:
    connection_string = "host=db dbname=lake password=hunter2"
    catalogue = Catalogue.parse(connection_string)
    settings = PipelineSettings.model_construct(warehouse=SecretStr(connection_string))

    for shown in (repr(catalogue), catalogue.location, catalogue.dsn, repr(settings)):
        assert "hunter2" not in shown
