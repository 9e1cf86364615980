"""Parts of the study on disk: found again under the same question, made anew where anything behind them has changed."""

from pathlib import Path

import pytest
from support.data import data_dir

from evenstride_analysis.study.distort import PLAIN
from evenstride_analysis.study.work import Job, Task
from evenstride_gateway.cli.inputs import code_of_behaviour, inputs, stamps
from evenstride_gateway.cli.kept import NOTHING, Kept, kept_dir, name_of
from evenstride_gateway.cli.study import Pool

WORDS = {"known": -1, "new": -2, "later": -3}


def test_what_was_put_is_found(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "new")
    assert kept.get("a") is NOTHING
    kept.put("a", {("RBDS001",): [1.5]})
    assert Kept(tmp_path / "new").get("a") == {("RBDS001",): [1.5]}


def test_a_file_that_was_cut_counts_as_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put("a", list(range(1000)))
    whole = (tmp_path / "a").read_bytes()
    for part in (b"", whole[:100], b"no pickle"):
        (tmp_path / "a").write_bytes(part)
        assert kept.get("a") is NOTHING


def test_without_a_folder_nothing_is_kept() -> None:
    kept = Kept(None)
    kept.put("a", 1)
    assert kept.get("a") is NOTHING


def test_it_lies_with_the_caches_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_dir() == tmp_path / "evenstride" / "accuracy"


def test_a_name_follows_from_every_part_of_the_question() -> None:
    task = Task(kind="runner", name="RBDS001", condition=PLAIN, trials=("RBDS001_T25",))
    jobs = [Job(train=train, tasks=tasks) for train in ((), ("RBDS002_T25",)) for tasks in ((), (task,))]
    names = {name_of("_test", stamp, job) for stamp in ("a", "b") for job in jobs}
    assert len(names) == 8
    assert name_of("_test", "a", jobs[3]) in names


def test_what_the_methods_find_stands_in_for_their_code() -> None:
    made_from = inputs(data_dir("rbds").parent)
    before = stamps(made_from, "learned", "found")
    assert stamps(made_from, "learned", "found") == before
    found = stamps(made_from, "learned", "found otherwise")
    assert {part for part in before if before[part] == found[part]} == {"lessons", "variants", "drawn", "baselines"}
    taught = stamps(made_from, "learned otherwise", "found")
    assert {part for part in before if before[part] != taught[part]} == {"lessons", "tests", "variants", "early"}
    assert {"strides", "training", "symmetry", "context"} <= made_from.code.keys()


def test_every_part_has_code_of_its_own_behind_it() -> None:
    made_from = inputs(data_dir("rbds").parent)
    found = stamps(made_from, "learned", "found")
    assert len(set(found.values())) == len(found)
    assert code_of_behaviour(made_from) == code_of_behaviour(made_from)


def test_a_pool_takes_what_is_kept_and_keeps_the_rest(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    kept = Kept(tmp_path)
    kept.put(name_of("abs", "known", -1), 7)  # not what abs gives: nobody asks it
    with Pool(data_dir("rbds").parent, 1, lambda done, total: told.append((done, total)), kept) as pool:
        pool.total = 3
        known, new, later = (pool.submit((word, number), abs, number) for word, number in WORDS.items())
        assert pool.results([new, known]) == [2, 7]
        assert pool.results([later]) == [3]
    assert [done for done, _ in told] == [1, 2, 3]
    assert [kept.get(name_of("abs", word, number)) for word, number in WORDS.items()] == [7, 2, 3]
