"""`python -m billing_pipeline`: the console script."""

from billing_pipeline.cli import console_script

console_script()
