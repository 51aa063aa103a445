"""Which warehouse it is: the one place that decides between the file and the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing_pipeline.warehouse.file import WarehouseFile
from billing_pipeline.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    from billing_pipeline.settings import PipelineSettings


def open_warehouse(settings: PipelineSettings) -> Warehouse:
    """The warehouse that the settings name; nothing is opened or made yet.

    Raises:
        SettingsError: a setting that a lake needs is missing or bad.
        WarehouseError: what a lake needs is not installed.
    """
    if settings.warehouse is None:
        return WarehouseFile(settings.data_dir)
    # Needed by those alone who have a lake.
    from billing_pipeline.settings import LakeSettings  # noqa: PLC0415
    from billing_pipeline.warehouse.lake import Lake  # noqa: PLC0415

    return Lake(settings.warehouse, LakeSettings.load(), settings.data_dir)
