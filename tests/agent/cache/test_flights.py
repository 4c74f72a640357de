"""Equal questions wait for each other, across threads and processes; nobody waits for the dead or for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from agent.cache.flights import Flights


def test_second_of_equal_questions_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []

    def fly(name: str) -> None:
        with Flights(tmp_path).one("q", seconds=10):
            order.append(f"{name} in")
            time.sleep(0.1)
            order.append(f"{name} out")

    threads = [threading.Thread(target=fly, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.split()[1] for entry in order] == ["in", "out"] * 4


def test_other_question_does_not_wait(tmp_path: Path) -> None:
    flights = Flights(tmp_path)
    with flights.one("a", seconds=10), flights.one("b", seconds=10) as waited:
        assert waited == 0.0


def test_nobody_waits_longer_than_they_may(tmp_path: Path) -> None:
    flights = Flights(tmp_path)
    with flights.one("a", seconds=10), flights.one("a", seconds=0.1) as waited:
        assert 0.1 <= waited < 5


def test_killed_process_lets_go(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from agent.cache.flights import Flights; import time\n" \
           f"with Flights(Path({str(tmp_path)!r})).one('a', seconds=1): print('in', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    threading.Timer(0.3, process.kill).start()
    with Flights(tmp_path).one("a", seconds=30) as waited:
        pass
    process.wait()

    assert 0.1 < waited < 20


def test_who_has_gone_does_not_wait(tmp_path: Path) -> None:
    flights = Flights(tmp_path)
    with flights.one("a", seconds=10), flights.one("a", seconds=10, stopped=lambda: True) as waited:
        assert waited < 1


def test_folder_that_cannot_be_written_makes_nobody_wait(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with Flights(tmp_path / "file" / "x").one("a", seconds=10) as waited:
        assert waited == 0.0


def test_no_lock_file_is_left_behind(tmp_path: Path) -> None:
    with Flights(tmp_path).one("a", seconds=1):
        held = list(tmp_path.iterdir())

    assert len(held) == 1
    assert list(tmp_path.iterdir()) == []


def test_many_threads_over_few_questions_never_meet(tmp_path: Path) -> None:
    inside: dict[str, int] = {}
    met: list[str] = []

    def fly(key: str) -> None:
        for _ in range(20):
            with Flights(tmp_path).one(key, seconds=30):
                inside[key] = inside.get(key, 0) + 1
                if inside[key] > 1:
                    met.append(key)
                time.sleep(0.001)
                inside[key] -= 1

    threads = [threading.Thread(target=fly, args=(key,)) for key in "aabbcc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert met == []
