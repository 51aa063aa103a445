"""Harnesses that tests of several folders share."""
