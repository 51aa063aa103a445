"""Settings of a lake, except for the connection string of its catalogue."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from billing_pipeline.settings.environment import EnvironmentSettings, folder, web_address

_S3 = "s3://"


def _s3_endpoint(value: str) -> str:
    if "@" in value:
        raise ValueError("must not carry credentials: they are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    example = "https://s3.example:9000, without a path"
    parts = web_address(value.rstrip("/"), example)
    if parts.path or parts.query:
        raise ValueError(f"must be a URL such as {example}")
    return parts.geturl()


def _data_path(value: str) -> str:
    if not value.startswith(_S3):
        if "://" in value:
            raise ValueError("must be a folder, or s3://bucket/prefix")
        return str(folder(Path(value)))
    bucket, _, prefix = value.removeprefix(_S3).strip("/").partition("/")
    if not bucket or not prefix:
        raise ValueError("must name a bucket and a prefix, s3://bucket/prefix")
    return f"{_S3}{bucket}/{prefix}"


class LakeSettings(EnvironmentSettings):
    """Settings of a lake, except for the connection string of its catalogue."""

    data_path: Annotated[str, AfterValidator(_data_path)] | None = Field(
        None,
        validation_alias="BILLING_LAKE_DATA",
        description="folder of a lake's Parquet files: a shared folder, or s3://bucket/prefix",
    )
    database_password: SecretStr | None = Field(
        None, validation_alias="PGPASSWORD", description="password of the lake's database user"
    )
    s3_endpoint: Annotated[str, AfterValidator(_s3_endpoint)] | None = Field(
        None,
        validation_alias="BILLING_S3_ENDPOINT",
        description="URL of an S3-compatible store; unencrypted only with http://",
    )
    s3_key_id: str | None = Field(
        None, validation_alias="AWS_ACCESS_KEY_ID", description="key id for a lake on S3"
    )
    s3_secret_key: SecretStr | None = Field(
        None, validation_alias="AWS_SECRET_ACCESS_KEY", description="secret key for a lake on S3"
    )
    s3_session_token: SecretStr | None = Field(
        None, validation_alias="AWS_SESSION_TOKEN", description="token of a temporary key for a lake on S3"
    )
    s3_region: str | None = Field(
        None, validation_alias="AWS_REGION", description="region of the bucket of a lake on S3"
    )

    @property
    def on_s3(self) -> bool:
        """Whether the files are in a bucket."""
        return self.data_path is not None and self.data_path.startswith(_S3)

    @model_validator(mode="after")
    def _keys_for_s3(self) -> Self:
        keys = {"AWS_ACCESS_KEY_ID": self.s3_key_id, "AWS_SECRET_ACCESS_KEY": self.s3_secret_key}
        if self.on_s3 and (missing := [name for name, value in keys.items() if not value]):
            raise ValueError(f"{' and '.join(missing)}: not set, and BILLING_LAKE_DATA is on S3")
        return self
