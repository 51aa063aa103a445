-- What is frozen of a month.
FROM invoiced_charge_in($month::DATE)
