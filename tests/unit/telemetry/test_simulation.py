"""The simulation of the queue is right where the answer is known."""

from __future__ import annotations

import statistics

import pytest

from bench.simulate.queue import Kind, Load, Simulation
from bench.simulate.run import load_of

ONE_SECOND = Kind(per_video=1, seconds=[1.0], urgent=True)


@pytest.mark.parametrize("busy", [0.5, 0.8])
def test_one_worker_and_equal_tasks_wait_as_pollaczek_and_khinchine_say(busy: float) -> None:
    waits = Simulation(Load(probe=ONE_SECOND, others=()), workers=1, utilisation=busy, videos=20_000).run()
    assert len(waits.first) == len(waits.ready) == 20_000
    assert statistics.mean(waits.first) == pytest.approx(busy / (2 * (1 - busy)), rel=0.1)


def test_many_workers_at_the_same_utilisation_keep_nobody_waiting() -> None:
    load = Load(probe=ONE_SECOND, others=(Kind(per_video=2.5, seconds=[1.0, 3.0]),))
    few, many = (Simulation(load, workers=each, utilisation=0.7, videos=3000).run() for each in (1, 100))
    assert statistics.mean(many.every) < 0.01 < statistics.mean(few.every)
    assert min(many.ready) == pytest.approx(2.0)


def test_a_new_video_goes_before_the_rest_of_others() -> None:
    load = Load(probe=ONE_SECOND, others=(Kind(per_video=20, seconds=[1.0]),))
    waits = Simulation(load, workers=1, utilisation=0.9, videos=2000).run()
    assert statistics.mean(waits.first) < statistics.mean(waits.every) / 10


def test_a_load_is_read_from_the_report() -> None:
    tasks = {"probe source": [1.0, 3.0], "encode chunk": [2.0, 2.0, 2.0, 2.0]}
    load = load_of({"videos": 2, "tasks": {"1": tasks, "2": {"probe source": [9.0, 9.0]}}})
    assert load.work == 2.0 + 2 * 2.0
    assert load.probe.urgent
