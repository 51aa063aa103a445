"""Prices, and the charges that follow from them and from a month's usage."""
