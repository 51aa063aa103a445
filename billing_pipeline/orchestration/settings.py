"""The settings of one process, read at most once, and carried from here."""

from collections.abc import Mapping
from functools import cached_property

from billing_pipeline.periods import BillingPeriod
from billing_pipeline.settings import AccountSettings, PipelineSettings
from billing_pipeline.warehouse import Warehouse, require_open
from billing_pipeline.warehouses import open_warehouse


class Settings:
    """Settings that are read at their first use.

    A bad setting must not take Dagster's code location down: the step that needs the setting reports it.

    Args:
        pipeline: use these instead of the environment's.
        accounts: by account name, use these instead of the environment's.
        forced: replace closed periods. Only a command can say so: whoever reaches Dagster's UI could set a
            tag or a configuration, and a run that is launched again inherits both.
    """

    def __init__(
        self,
        pipeline: PipelineSettings | None = None,
        accounts: Mapping[str, AccountSettings] | None = None,
        *,
        forced: bool = False,
    ) -> None:
        self.forced = forced
        self._pipeline = pipeline
        self._accounts = dict(accounts or {})

    @property
    def pipeline(self) -> PipelineSettings:
        """The `BILLING_…` settings.

        Raises:
            SettingsError: one of them is bad.
        """
        if self._pipeline is None:
            self._pipeline = PipelineSettings.load()
        return self._pipeline

    def account(self, name: str) -> AccountSettings:
        """The `ACRONIS_…` settings of an account.

        Raises:
            SettingsError: one of them is missing or bad.
        """
        if name not in self._accounts:
            self._accounts[name] = AccountSettings.load(name, self.pipeline.accounts)
        return self._accounts[name]

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse that `BILLING_WAREHOUSE` names."""
        return open_warehouse(self.pipeline)

    def require_loadable(self, period: BillingPeriod) -> None:
        """Raise unless the period may be loaded.

        Raises:
            PeriodError: it has not ended: Dagster does not check that the partition of a run's tag exists.
            PeriodClosedError: it is closed, and this process does not force it.
        """
        period.require_ended()
        if not self.forced:
            require_open(self.warehouse, period)
