"""Raw reports as files, and the lock of a period. Depends only on files."""

from billing_pipeline.landing.period_lock import period_lock
from billing_pipeline.landing.raw_reports import (
    Manifest,
    RawFile,
    RawReport,
    is_sealed,
    raw_folder,
    sealed_folders,
    verified,
)

__all__ = [
    "Manifest",
    "RawFile",
    "RawReport",
    "is_sealed",
    "period_lock",
    "raw_folder",
    "sealed_folders",
    "verified",
]
