"""The Dagster code location, as `workspace.yaml` names it."""

from billing_pipeline.orchestration.code_location import build_defs

__all__ = ["build_defs", "defs"]

defs = build_defs()
