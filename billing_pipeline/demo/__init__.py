"""`make demo`: three closed months of an invented distributor, from the report to the invoice."""
