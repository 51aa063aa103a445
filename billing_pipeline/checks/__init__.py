"""Dagster asset checks on `usage`, one file for each way in which they come about."""

from billing_pipeline.checks.freshness import freshness
from billing_pipeline.checks.load import LOAD_CHECKS, load_check_results

__all__ = ["LOAD_CHECKS", "freshness", "load_check_results"]
