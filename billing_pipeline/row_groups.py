"""Row groups: what DuckDB stores, compresses and reads as one."""

ROW_GROUP = 30_720
"""Rows of a group; a multiple of 2,048, the rows that DuckDB handles at once.

A quarter of DuckDB's own default: the parts of a report are read in parallel, a part fills a group, and the
thread that fills a group compresses it. So a month of 100,000 rows is shared by all threads like one of
millions, and each holds a quarter as much in memory. The file is larger by a fifth.
"""
