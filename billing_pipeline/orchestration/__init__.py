"""Everything Dagster: assets, checks, jobs, schedules, resources, and runs started from a program."""
