-- What a month's charges are now.
FROM charge_in($month::DATE)
