"""How long a raw report takes to become a published month, beside other ways of loading it."""
