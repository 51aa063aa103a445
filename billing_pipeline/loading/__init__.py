"""The load of a billing period: its raw report, checked and written to the warehouse in one transaction."""
