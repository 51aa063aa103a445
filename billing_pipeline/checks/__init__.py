"""Dagster asset checks on `usage`, one file for each way in which they come about."""

from billing_pipeline.checks.freshness import freshness_check
from billing_pipeline.checks.load import load_check_results, load_check_specs

__all__ = ["freshness_check", "load_check_results", "load_check_specs"]
