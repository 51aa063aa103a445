"""Tests of the deployment: its files, and its services as processes on this machine."""
