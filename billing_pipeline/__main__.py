"""`python -m billing_pipeline`: the console script."""

from billing_pipeline.cli import console_script

if __name__ == "__main__":
    console_script()
