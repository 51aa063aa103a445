-- Columns compared between two files, or two loads, of one report: those that come from the report. Excluded are the
-- row's position, computed columns, and `extra`, because a CSV file does not distinguish a number from a text.
SELECT column_name, column_type
FROM (DESCRIBE usage)
WHERE
    column_name NOT IN (
        'billing_period', 'period_start', 'period_end', 'root_tenant_id', 'report_id', 'stored_report_id', 'loaded_at',
        'account', 'report_row', 'extra', 'dr_compute_points_production', 'dr_compute_points_trial',
        'dr_compute_points_total'
    )
