"""Prices, and the charges that follow from them and from the usage of a month.

A charge is a view: a month's billable usage at the prices that are valid in that month. As long as no prices
are loaded, nothing is charged.
"""

from billing_pipeline.charges.closing import Closing, close_period, reopen_period
from billing_pipeline.charges.load_prices import PriceLoad, check_prices, load_prices
from billing_pipeline.charges.price_files import PRICES_FOLDER
from billing_pipeline.charges.price_state import PriceState, price_state
from billing_pipeline.charges.template import write_template

__all__ = [
    "PRICES_FOLDER",
    "Closing",
    "PriceLoad",
    "PriceState",
    "check_prices",
    "close_period",
    "load_prices",
    "price_state",
    "reopen_period",
    "write_template",
]
