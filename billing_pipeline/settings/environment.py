"""What all settings have in common: where they are read from, and how a bad one is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, ValidationError

from billing_pipeline.errors import SettingsError

_PACKAGE_PARENT = Path(__file__).resolve().parent.parent.parent
PROJECT_ROOT = _PACKAGE_PARENT if (_PACKAGE_PARENT / "pyproject.toml").exists() else Path.cwd()

# A password may begin or end with a blank, and PostgreSQL's own programs would keep it.
_AS_IT_IS = {"PGPASSWORD"}


def environment() -> Mapping[str, str]:
    """The environment, and `.env` for what is not there; without blanks at the ends.

    What is blank is not set.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    found = {**_env_file(PROJECT_ROOT / ".env"), **os.environ}
    return {
        name: value if name in _AS_IT_IS else value.strip()
        for name, value in found.items()
        if value and value.strip()
    }


def _env_file(path: Path) -> Mapping[str, str | None]:
    try:
        found = dotenv_values(path)
        # UTF-16 without its mark is UTF-8 with zeros.
        is_text = not any("\0" in name for name in found)
    except UnicodeDecodeError:
        is_text = False
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", todo="Correct its permissions."
        ) from error
    if not is_text:
        raise SettingsError(f"{path} is not text in UTF-8", todo="Save it as UTF-8.")
    return found


class EnvironmentSettings(BaseModel):
    """Settings whose fields have the names of environment variables as their aliases."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @classmethod
    def load(cls) -> Self:
        """Read and validate the environment and `.env`.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        return cls._read(environment(), lambda name: name)

    @classmethod
    def _read(cls, environment: Mapping[str, str], spelled: Callable[[str], str], **known: str) -> Self:
        """Validate the environment.

        Args:
            spelled: the name in the environment of the setting with an alias.
            known: fields that do not come from the environment.

        Raises:
            SettingsError: names every missing or bad setting, with its meaning.
        """
        names = {
            str(field.validation_alias): spelled(str(field.validation_alias))
            for field in cls.model_fields.values()
            if field.validation_alias
        }
        values = {alias: environment[name] for alias, name in names.items() if name in environment}
        try:
            return cls.model_validate(values | known)
        except ValidationError as error:
            raise SettingsError(
                "; ".join(_complaint(cls, names, detail) for detail in error.errors()),
                todo="Set it in the environment or in .env (.env.example explains each setting).",
            ) from None


def _complaint(model: type[BaseModel], names: Mapping[str, str], detail: Any) -> str:
    alias = str(detail["loc"][0]) if detail["loc"] else ""
    field = next((f for f in model.model_fields.values() if f.validation_alias == alias), None)
    name = names.get(alias, "settings")
    meaning = f" ({field.description})" if field and field.description else ""
    if detail["type"] == "missing":
        return f"{name} is not set{meaning}"
    return f"{name}{meaning}: {detail['msg'].removeprefix('Value error, ')}"
