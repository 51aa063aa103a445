"""What a careful engineer looks at before the first month: `billing-pipeline check`.

Every result is one line without secrets and without customers' names, so that the output can be pasted into a
bug report.
"""
