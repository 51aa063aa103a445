"""The base of all settings: their sources, and the message for a bad one."""

import logging
import os
import re
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from billing_pipeline.errors import WORKING_DIRECTORY_GONE, SettingsError
from billing_pipeline.loopback import is_loopback

_log = logging.getLogger(__name__)

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent
IS_INSTALLED = not (_PACKAGE_PARENT / "pyproject.toml").exists()
"""Whether the package was installed, and is not part of the project's folder."""
PROJECT_ROOT = Path() if IS_INSTALLED else _PACKAGE_PARENT
"""The folder of `.env` and of relative paths; for an installed package the working directory."""
ENV_FILE = "BILLING_ENV_FILE"
"""Environment variable that names another file than `.env`; `/dev/null` for none."""

_SECRET = re.compile("SECRET|PASSWORD|TOKEN")

# PostgreSQL's programs keep leading and trailing blanks and quotes of a password.
_VERBATIM = {"PGPASSWORD"}


def environment() -> Mapping[str, str]:
    """The environment variables, and those of `.env` that the environment does not set.

    A blank variable counts as not set. Blanks at the ends of a value are removed. References such as
    `${HOME}` are not expanded: a secret may contain them.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    return _from_file() | _not_blank(os.environ)


def origins() -> dict[str, str]:
    """Where `environment` has each variable from: `environment`, or the name of the file.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    in_environment = dict.fromkeys(_not_blank(os.environ), "environment")
    return dict.fromkeys(_from_file(), env_file().name) | in_environment


def _from_file() -> dict[str, str]:
    path = env_file()
    try:
        found = _not_blank(dotenv_values(path, interpolate=False, encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not text in UTF-8", todo="Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", todo="Correct its permissions."
        ) from error
    if any(map(_SECRET.search, found)):
        _warn_of_readers(path)
    return found


@cache
def _warn_of_readers(path: Path) -> None:
    """Warn, once in a process, of a file with secrets that is not its owner's alone."""
    status = path.stat()
    if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
        _log.warning("%s holds secrets that other users can read: chmod 600 %s", path, path)


def env_file() -> Path:
    """The absolute path of the file that is read beside the environment: `.env`, unless another is named."""
    try:
        return (PROJECT_ROOT / (os.environ.get(ENV_FILE, "").strip() or ".env")).absolute()
    except FileNotFoundError:  # the working directory was deleted, and its files with it
        return Path(os.devnull)


def _not_blank(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name: value if name in _VERBATIM else value.strip()
        for name, value in variables.items()
        if value and value.strip()
    }


def folder(path: Path) -> Path:
    """The absolute path of a folder, which need not exist yet.

    Relative to the project's root: Dagster's processes and the shell have different working directories.

    Raises:
        ValueError: no folder can be there.
    """
    try:
        absolute = (PROJECT_ROOT / path.expanduser()).resolve()
    except FileNotFoundError:
        raise ValueError(WORKING_DIRECTORY_GONE) from None
    except (RuntimeError, OSError) as error:
        # A user that the system does not know; before Python 3.13 also a symbolic link to itself.
        raise ValueError(f"{path} cannot be resolved: {error}") from None
    try:
        str(absolute).encode()
    except UnicodeEncodeError:
        raise ValueError("its path is not UTF-8, which DuckDB requires") from None
    existing = next(filter(os.path.lexists, (absolute, *absolute.parents)))
    if not existing.is_dir():
        raise ValueError(f"{existing} is not a folder")
    if "\\" in absolute.as_posix():
        raise ValueError("its path must not contain a backslash, which DuckDB takes for a separator")
    return absolute


def web_address(value: str, example: str, sent: str | None = None) -> SplitResult:
    """The parts of a URL; plain HTTP only on loopback if something confidential is `sent` there.

    Raises:
        ValueError: it is not a URL like the example.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"must be a URL such as {example}")
    if sent and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"must use https: {sent} would be sent unencrypted")
    return parts


class EnvironmentSettings(BaseModel):
    """Settings that are read from environment variables.

    A field's variable is its alias, or the class's `env_prefix` and the field's name. Fields without a
    description are no settings: their values are given as arguments.
    """

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        loc_by_alias=False,
        populate_by_name=True,
        validate_default=True,
    )
    env_prefix: ClassVar[str] = ""

    @classmethod
    def variables(cls, prefix: str | None = None) -> dict[str, str]:
        """The environment variable of each setting, by field name.

        Args:
            prefix: instead of the class's own `env_prefix`.
        """
        prefix = cls.env_prefix if prefix is None else prefix
        return {
            name: str(field.validation_alias or f"{prefix}{name}".upper())
            for name, field in cls.model_fields.items()
            if field.description
        }

    @classmethod
    def load(cls) -> Self:
        """Read and validate the environment and `.env`.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        return cls._load(environment(), cls.variables())

    @classmethod
    def _load(cls, found: Mapping[str, str], variables: Mapping[str, str], **arguments: Any) -> Self:
        """Build the settings from the values `found` of their `variables`, and further `arguments`."""
        arguments |= {name: found[variable] for name, variable in variables.items() if variable in found}
        try:
            return cls(**arguments)
        except ValidationError as error:
            messages = [cls._message(variables, detail) for detail in error.errors()]
            raise SettingsError(
                "; ".join(messages),
                todo="Set it in the environment or in .env (.env.example explains each setting).",
            ) from None

    @classmethod
    def _message(cls, variables: Mapping[str, str], detail: ErrorDetails) -> str:
        """What is wrong with one setting; never its value, which may be secret."""
        reason = detail["msg"].removeprefix("Value error, ")
        if not detail["loc"]:
            return reason
        name = str(detail["loc"][0])
        variable, description = variables[name], cls.model_fields[name].description
        if detail["type"] == "missing":
            return f"{variable} is not set ({description})"
        return f"{variable} ({description}): {reason}"

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_quotes(cls, value: Any, info: ValidationInfo) -> Any:
        in_quotes = isinstance(value, str) and len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
        if in_quotes and cls.variables().get(str(info.field_name)) not in _VERBATIM:
            raise ValueError("is in quotes, which `docker --env-file` keeps: write the value without them")
        return value
