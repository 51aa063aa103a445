-- What is on each month's invoices, in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification)?
--
-- One row for each line of `invoice_line` that was not voided. Periods end exclusively. `BilledCost` is rounded, and its sum
-- by `InvoiceId` is the invoice; `ContractedCost` and `ListCost` are quantity * unit price, exact. The provider is whoever
-- issues the invoice (FOCUS 1.2, appendix, scenario 2.1): the variable invoice_issuer, which `export` sets to
-- BILLING_INVOICE_ISSUER; the publisher is Acronis. A minimum is an adjustment without quantity, unit and SKU. In FOCUS 1.4
-- ProviderName is called ServiceProviderName, and PublisherName HostProviderName.
--
-- For a single month (a DATE) use focus_cost_and_usage_in(month): it reads only that month's invoice lines.
CREATE OR REPLACE MACRO focus_cost_and_usage_in(month) AS TABLE (
    WITH service AS (
        SELECT
            item.offering_item,
            arg_min(struct_pack(service_name, service_category, service_subcategory), priority) AS service
        FROM (SELECT DISTINCT offering_item FROM invoice_line WHERE month IS NULL OR billing_period = month) AS item
        JOIN focus_service ON regexp_matches(coalesce(item.offering_item, ''), offering_item_pattern)
        GROUP BY item.offering_item
    ),

    line AS (
        SELECT
            invoice_line.*,
            line_kind = 'usage' AS is_usage,
            CASE unit WHEN 'compute points' THEN 'Compute Points' WHEN 'count' THEN 'Units' ELSE unit END AS focus_unit,
            -- An invoice has one currency. If prices changed to another, corrections are an invoice of their own.
            min(currency) OVER invoice <> max(currency) OVER invoice AS has_two_currencies,
            service.service
        FROM invoice_line
        LEFT JOIN service ON service.offering_item IS NOT DISTINCT FROM invoice_line.offering_item
        WHERE voided_at IS NULL AND (month IS NULL OR billing_period = month)
        WINDOW invoice AS (PARTITION BY billing_period, tenant_id)
    )

    SELECT
        timezone('UTC', billing_period::TIMESTAMP) AS BillingPeriodStart,
        timezone('UTC', billing_period + INTERVAL 1 MONTH) AS BillingPeriodEnd,
        timezone('UTC', charge_period::TIMESTAMP) AS ChargePeriodStart,
        timezone('UTC', charge_period + INTERVAL 1 MONTH) AS ChargePeriodEnd,
        getvariable('invoice_issuer')::VARCHAR AS ProviderName,
        getvariable('invoice_issuer')::VARCHAR AS InvoiceIssuerName,
        'Acronis International GmbH' AS PublisherName,
        concat(
            strftime(billing_period, '%Y-%m'), '/', tenant_id, CASE WHEN has_two_currencies THEN '/' || currency END
        ) AS InvoiceId,
        tenant_id::VARCHAR AS BillingAccountId,
        tenant_name AS BillingAccountName,
        'Customer' AS BillingAccountType,
        tenant_id::VARCHAR AS SubAccountId,
        tenant_name AS SubAccountName,
        'Tenant' AS SubAccountType,
        currency AS BillingCurrency,
        CASE WHEN is_usage THEN 'Usage' ELSE 'Adjustment' END AS ChargeCategory,
        CASE WHEN entry <> 'charge' THEN 'Correction' END AS ChargeClass,
        description AS ChargeDescription,
        CASE WHEN is_usage THEN 'Usage-Based' ELSE 'Recurring' END AS ChargeFrequency,
        amount AS BilledCost,
        amount AS EffectiveCost,
        CASE WHEN is_usage THEN exact_amount(quantity, unit_price) ELSE amount END::DECIMAL(38, 12) AS ContractedCost,
        CASE WHEN is_usage THEN exact_amount(quantity, list_unit_price) ELSE amount END::DECIMAL(38, 12) AS ListCost,
        CASE WHEN is_usage THEN unit_price END AS ContractedUnitPrice,
        CASE WHEN is_usage THEN list_unit_price END AS ListUnitPrice,
        CASE WHEN is_usage THEN 'Standard' END AS PricingCategory,
        CASE WHEN is_usage THEN quantity END AS PricingQuantity,
        CASE WHEN is_usage THEN focus_unit END AS PricingUnit,
        CASE WHEN is_usage THEN quantity END AS ConsumedQuantity,
        CASE WHEN is_usage THEN focus_unit END AS ConsumedUnit,
        NULL::VARCHAR AS CommitmentDiscountStatus,
        service.service_name AS ServiceName,
        service.service_category AS ServiceCategory,
        service.service_subcategory AS ServiceSubcategory,
        coalesce(sku, offering_item) AS SkuId,
        offering_item AS SkuMeter,
        CASE WHEN is_usage THEN concat_ws('/', coalesce(sku, offering_item), storage_ownership, from_quantity) END
            AS SkuPriceId,
        NULL::VARCHAR AS SkuPriceDetails,
        '{}' AS Tags,
        offering_item AS x_OfferingItem,
        storage_ownership AS x_StorageOwnership,
        report_id::VARCHAR AS x_ReportId
    FROM line
);

CREATE OR REPLACE VIEW focus_cost_and_usage AS
FROM focus_cost_and_usage_in(NULL::DATE);
