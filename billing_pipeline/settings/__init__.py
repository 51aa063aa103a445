"""Environment variables, or `.env` in the project's root, as typed and validated settings.

Three classes, because their users differ: `PipelineSettings` for everything that uses the data,
`LakeSettings` for a warehouse that is a lake, `AccountSettings` for calls of the Acronis API.
"""

from billing_pipeline.settings.account import AccountSettings
from billing_pipeline.settings.environment import PROJECT_ROOT
from billing_pipeline.settings.lake import LakeSettings
from billing_pipeline.settings.pipeline import PipelineSettings

__all__ = ["PROJECT_ROOT", "AccountSettings", "LakeSettings", "PipelineSettings"]
