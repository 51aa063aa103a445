"""The warehouse that the settings name: a file or a lake."""

from billing_pipeline.settings import PipelineSettings
from billing_pipeline.warehouse import Warehouse, WarehouseFile


def open_warehouse(settings: PipelineSettings) -> Warehouse:
    """The warehouse that the settings name; nothing is opened or made yet.

    Raises:
        SettingsError: a setting that a lake needs is missing or bad.
        WarehouseError: what a lake needs is not installed.
    """
    if settings.warehouse is None:
        return WarehouseFile(settings.data_dir)
    # The lake's dependencies are an optional extra.
    from billing_pipeline.lake import open_lake  # noqa: PLC0415

    return open_lake(settings.warehouse, settings.data_dir)
