INSERT INTO period_closing (billing_period, action, acted_at, acted_by, note)
VALUES ($billing_period, $action, $acted_at, $acted_by, $note)
