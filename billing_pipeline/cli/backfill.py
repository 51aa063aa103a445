"""Several periods at once, because nearly all of a run is waiting for Acronis.

Dagster's in-process runs cannot share a process, and starting one costs seconds of import. So each run
gets a process forked from a server that has imported everything once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess

from billing_pipeline.account_periods import AccountPeriod
from billing_pipeline.assets.resources import ProgressListener
from billing_pipeline.cli.progress import warnings_shown_by
from billing_pipeline.dagster_home import dagster_instance, prepare_dagster_home, report_runs
from billing_pipeline.errors import BillingPipelineError
from billing_pipeline.killed_runs import end_killed_runs
from billing_pipeline.ordering import Progress
from billing_pipeline.runs import PeriodRun, run_periods
from billing_pipeline.settings import PipelineSettings

_SECONDS_TO_STOP = 20.0


@dataclass(frozen=True, slots=True)
class _Worker:
    subject: AccountPeriod
    process: ForkServerProcess


def run_at_once(
    subjects: Sequence[AccountPeriod],
    *,
    settings: PipelineSettings,
    listener: ProgressListener,
    assets: Sequence[str] | None = None,
    force: bool = False,
    hopeless: Callable[[PeriodRun], bool] = lambda _: False,
) -> Iterator[PeriodRun]:
    """Materialise periods of accounts, several at the same time, each in a Dagster run of its own.

    Args:
        subjects: what to load.
        settings, listener, assets, force: as for `run_periods`.
            As many as `report_runs` says run at a time.
        hopeless: after an outcome of which this is true, no further period of the account is started.

    Yields:
        Each period's outcome as it ends; periods that were not started are missing.

    Raises:
        BillingPipelineError: Dagster's history cannot be written, or the only run cannot be begun.
    """
    prepare_dagster_home(settings)
    # What is amiss with Dagster's history is told here, once, and not by each process.
    with dagster_instance() as instance:
        end_killed_runs(settings, instance)
        if len(subjects) == 1:
            yield from run_periods(
                subjects, instance, settings=settings, listener=listener, assets=assets, force=force
            )
            return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "billing_pipeline.month_report"])
    waiting = list(subjects)
    workers: dict[Connection, _Worker] = {}
    try:
        while waiting or workers:
            while waiting and len(workers) < report_runs(settings):
                subject = waiting.pop(0)
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(
                    target=_work, args=(sender, subject, dict(os.environ), settings, assets, force)
                )
                process.start()
                sender.close()
                workers[receiver] = _Worker(subject, process)
            for receiver in _ready(workers):
                match _received(receiver, workers[receiver]):
                    case PeriodRun() as run:
                        workers.pop(receiver).process.join()
                        receiver.close()
                        if not run.run_id:
                            with dagster_instance() as instance:
                                end_killed_runs(settings, instance)
                        if hopeless(run):
                            waiting = [each for each in waiting if each.account != run.subject.account]
                        yield run
                    case progress:
                        listener(workers[receiver].subject, progress)
    finally:
        _stop([worker.process for worker in workers.values()])


def _ready(workers: Mapping[Connection, _Worker]) -> list[Connection]:
    return [receiver for receiver in wait(list(workers)) if isinstance(receiver, Connection)]


def _work(  # noqa: PLR0917 - the arguments of a process
    sender: Connection,
    subject: AccountPeriod,
    environment: Mapping[str, str],
    settings: PipelineSettings,
    assets: Sequence[str] | None,
    force: bool,
) -> None:
    os.environ.clear()
    os.environ.update(environment)

    def tell(_: AccountPeriod, progress: Progress) -> None:
        with suppress(BrokenPipeError):
            sender.send(progress)

    threading.Thread(target=_end_with_parent, daemon=True).start()

    def warn(message: str) -> None:
        tell(subject, Progress(message, warning=True))

    with suppress(KeyboardInterrupt, BrokenPipeError), warnings_shown_by(warn):
        try:
            with dagster_instance() as instance:
                for run in run_periods(
                    [subject], instance, settings=settings, listener=tell, assets=assets, force=force
                ):
                    sender.send(run)
        except BillingPipelineError as error:
            told = error.about(account=subject.named_account, period=subject.period.key)
            sender.send(PeriodRun(subject, run_id="", failure=str(told), error_type=type(error).__name__))


def _end_with_parent() -> None:
    """Stop, as Ctrl-C does, when the command that started this process is killed."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)


def _received(receiver: Connection, worker: _Worker) -> PeriodRun | Progress:
    try:
        received: PeriodRun | Progress = receiver.recv()
    except EOFError:
        worker.process.join()
        status = worker.process.exitcode
        return PeriodRun(
            worker.subject,
            run_id="",
            failure=f"period {worker.subject}: its process ended with status {status}. "
            "Run it again: it continues where it stopped.",
        )
    return received


def _stop(processes: Sequence[ForkServerProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_SECONDS_TO_STOP)
        if process.is_alive():
            process.kill()
