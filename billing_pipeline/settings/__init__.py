"""Environment variables, or `.env` in the project's root, as typed and validated settings.

Three groups, because they are needed by different people: `PipelineSettings` by everyone who touches
the data, `LakeSettings` where the warehouse is a lake, `AccountSettings` only by what talks to Acronis.
"""

from billing_pipeline.settings.account import AccountSettings
from billing_pipeline.settings.environment import PROJECT_ROOT
from billing_pipeline.settings.lake import LakeSettings
from billing_pipeline.settings.pipeline import PipelineSettings

__all__ = ["PROJECT_ROOT", "AccountSettings", "LakeSettings", "PipelineSettings"]
