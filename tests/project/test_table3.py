"""The paper's Table 3: every row can be made, results resume, and a few rows run on a small part of
the data.
"""

import signal
import subprocess
import sys
import time
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import idxio
from experiments.table3 import causes, fits, page, running
from experiments.table3.estimators import describe, make
from experiments.table3.results import Results, key, read
from experiments.table3.rows import select, table

pytest.importorskip(
    "sklearn", reason="scikit-learn is missing, Table 3 is NOT TESTED: pip install 'idxio[bench]'"
)

ROWS = table()
ROOT = Path(running.__file__).parents[2]
NB = "GaussianNB:priors=[0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1]"
TREE = "ExtraTreeClassifier:criterion=entropy,max_depth=10,splitter=random"


def test_the_table_is_the_papers():
    assert len(ROWS) == len({row.name for row in ROWS}) == 126
    assert len({row.classifier for row in ROWS}) == 13
    paper = {row.name: row.paper for row in ROWS}
    assert paper["SVC:C=10,kernel=rbf"] == 0.897 == max(paper.values())
    assert (
        paper["LinearSVC:loss=squared_hinge,C=100,multi_class=crammer_singer,penalty=l2"] == 0.484
    )
    assert all(row.seconds > 0 for row in ROWS)


def test_rows_are_selected_by_their_name_or_their_classifiers():
    assert [row.name for row in select(ROWS, [NB])] == [NB]
    assert len(select(ROWS, ["SVC", NB])) == 13
    assert select(ROWS, []) == ROWS
    with pytest.raises(SystemExit, match="no row or classifier 'SVM'"):
        select(ROWS, ["SVC", "SVM"])


@pytest.mark.parametrize("classifier", sorted({row.classifier for row in ROWS}))
def test_every_row_fits_without_a_complaint(classifier):
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 10
    images = rng.normal(size=(30, 10))
    images[np.arange(30), labels] += 4
    for row in select(ROWS, [classifier]):
        with warnings.catch_warnings():  # all are errors in these tests, a deprecated option too
            warnings.filterwarnings("ignore", ".*(onverge|iterations)")
            accuracy = make(row, 0).fit(images, labels).score(images, labels)
        assert accuracy > 0.5, row.name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (
            "SGDClassifier:loss=log,penalty=l1",
            {"loss": "log_loss", "penalty": "l1", "max_iter": 5, "tol": None},
        ),
        ("SVC:C=1,kernel=rbf", {"C": 1, "kernel": "rbf", "gamma": "auto"}),
        (
            "Perceptron:penalty=elasticnet",
            {"penalty": "elasticnet", "l1_ratio": 0, "max_iter": 5, "tol": None},
        ),
        (
            "MLPClassifier:activation=tanh,hidden_layer_sizes=[100,10]",
            {"n_iter_no_change": 2, "activation": "tanh"},
        ),
        (
            "LogisticRegression:C=10,multi_class=ovr,penalty=l1",
            {"estimator__solver": "liblinear", "estimator__C": 10},
        ),
        (
            "LinearSVC:loss=hinge,C=1,multi_class=ovr,penalty=l2",
            {"dual": True, "loss": "hinge", "C": 1},
        ),
    ],
)
def test_options_are_those_of_the_paper_and_of_its_time(name, options):
    (row,) = select(ROWS, [name])
    made = make(row, 7).get_params()
    assert {key: made[key] for key in options} == options
    assert made.get("random_state", made.get("estimator__random_state")) == 7


@pytest.fixture
def results(tmp_path):
    with closing(Results(tmp_path / "r")) as results:
        yield results


def test_each_row_comes_once_before_any_again_and_most_rows_an_hour_first(results):
    todo = running.jobs(ROWS)
    assert sum(len(job.rows) for job in todo) == 126 * running.REPETITIONS
    jobs = running.order(todo, results)
    once = [job for job in jobs if job.repetition == 0]
    assert jobs[: len(once)] == once
    assert sorted(row.name for job in once for row in job.rows) == sorted(row.name for row in ROWS)
    costs = [max(row.seconds for row in job.rows) / len(job.rows) for job in once]
    assert costs == sorted(costs)
    for job in jobs:
        long = max(row.seconds for row in job.rows) > running.LONG
        assert (job.repetition == 0) or not long
    for job in todo:
        if job.rows[0].name == NB and job.repetition < 4:
            results.add({**job.identities[NB], "accuracy": 0.5, "cpu_seconds": 1100.0})
    last = running.order(todo, results)[-1]
    # what was measured counts, not what was guessed
    assert (last.rows[0].name, last.repetition) == (NB, 4)


def test_a_fit_answers_what_is_left_of_its_family(results):
    rows = select(ROWS, ["GradientBoostingClassifier"])
    todo = running.jobs(rows)
    shallow = next(job for job in todo if job.rows[0].parameters["max_depth"] == 3)
    assert sorted(row.parameters["n_estimators"] for row in shallow.rows) == [10, 50, 100]
    done = next(row for row in shallow.rows if row.parameters["n_estimators"] == 10)
    results.add({**shallow.identities[done.name], "accuracy": 0.8, "cpu_seconds": 500.0})
    left = [row for job in running.order(todo, results) for row in job.rows if job.repetition == 0]
    assert sorted(row.name for row in left) == sorted(row.name for row in rows if row != done)


def test_a_repetition_is_there_once(tmp_path):
    path = tmp_path / "folder" / "results.jsonl"
    first, second = (job.identities[NB] for job in running.jobs(select(ROWS, [NB]))[:2])
    results = Results(path)
    with pytest.raises(SystemExit, match="another run is adding to it"):
        Results(path)
    results.add({**second, "error": "MemoryError"})
    results.add({**first, "accuracy": 0.5, "cpu_seconds": 1.0})
    with pytest.raises(ValueError, match="repetition 0 is there already"):
        results.add({**first, "accuracy": 0.6, "cpu_seconds": 1.0})
    results.close()
    with path.open("ab") as file:
        file.write(b'{"row": "GaussianNB:pri')  # killed in the middle of a line
    assert len(read(path)) == 2
    results = Results(path)
    assert results.has(first)
    assert not results.has(second)
    assert not results.has({**first, "versions": {**first["versions"], "numpy": "0"}})
    assert not results.has({**first, "estimator": "GaussianNB()"})
    results.add({**second, "accuracy": 0.7, "cpu_seconds": 1.0})
    results.close()
    assert [record.get("accuracy") for record in read(path)] == [None, 0.5, 0.7]
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(SystemExit, match="line 1: no result"):
        read(path)


def test_a_result_reaches_a_file_that_was_put_in_the_place_of_the_first(results, tmp_path):
    first, second = (job.identities[NB] for job in running.jobs(select(ROWS, [NB]))[:2])
    results.add({**first, "accuracy": 0.5, "cpu_seconds": 1.0})
    path = tmp_path / "r"
    (tmp_path / "other").write_bytes(path.read_bytes() * 2)
    (tmp_path / "other").replace(path)  # as git does
    results.add({**second, "accuracy": 0.6, "cpu_seconds": 1.0})
    assert [record["accuracy"] for record in read(path)] == [0.5, 0.5, 0.6]


@pytest.fixture
def part(fashion_mnist, tmp_path):
    """A folder with the first images of the real files."""
    for name, rows in (("train", 3000), ("t10k", 1000)):
        for kind in ("images-idx3", "labels-idx1"):
            file = f"{name}-{kind}-ubyte.gz"
            idxio.write(tmp_path / file, idxio.read(fashion_mnist / file, rows=slice(rows)))
    return tmp_path


def command(part, *arguments):
    # Run as a program: it forks, and threads of the tests' process would be in the way.
    return [
        sys.executable,
        "-m",
        "experiments.table3",
        "--data",
        str(part),
        "--results",
        str(part / "r"),
        "--stages",
        str(part / "stages"),
        *arguments,
    ]


def run(part, *arguments):
    done = subprocess.run(
        command(part, *arguments), cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rows_run_and_a_page_shows_them(part):
    assert "5 repetitions are left" in run(part, NB, "--hours", "0")
    assert read(part / "r") == []
    run(part, NB, TREE, "--jobs", "2", "--hours", "1000")
    records = read(part / "r")
    assert sorted((record["row"], record["repetition"]) for record in records) == [
        (name, repetition) for name in (TREE, NB) for repetition in range(5)
    ]
    accuracies = {name: [r["accuracy"] for r in records if r["row"] == name] for name in (NB, TREE)}
    assert 0.4 < min(accuracies[NB]) <= max(accuracies[NB]) < 0.75  # a tenth is chance
    assert 0.6 < min(accuracies[TREE]) <= max(accuracies[TREE]) < 0.85
    assert len(set(accuracies[TREE])) > 1  # each repetition has a seed of its own
    run(part, NB, TREE)
    assert read(part / "r") == records

    run(part, "--page", str(part / "page.md"))
    text = (part / "page.md").read_text()
    assert "2 of 126 rows, 2 of 13 classifiers, 10 repetitions" in text
    line = next(line for line in text.splitlines() if line.startswith("| GaussianNB"))
    mean = sum(accuracies[NB]) / 5
    assert f"| 0.511 | {mean:.3f} | **{round(mean, 3) - 0.511:+.3f}** |" in line
    assert text.count("no time yet") == 124


def small(data, count):
    return fits.Data(
        data.train[:count], data.train_labels[:count], data.test[:200], data.test_labels[:200]
    )


def accuracies(rows, repetition, data, folder):
    return {
        row.name: outcome["accuracy"]
        for row, outcome in fits.measure(rows, repetition, data, folder)
    }


def test_a_repetition_is_the_same_again(part):
    data = running.load(part)
    assert abs(data.train.mean()) < 1e-9
    assert abs(data.train[:, 400].std() - 1) < 1e-9
    assert abs(data.test[:, 400].std() - 1) > 1e-9  # by the training data's scale, not its own
    first, second = running.jobs(select(ROWS, ["SGDClassifier:loss=hinge,penalty=l2"]))[:2]
    found = [accuracies(job.rows, job.repetition, data, part) for job in (first, second, first)]
    assert found[0] == found[2] != found[1]


def alone(row, seed, data):
    from sklearn.utils import shuffle

    images, labels = shuffle(data.train, data.train_labels, random_state=seed)
    return float(make(row, seed).fit(images, labels).score(data.test, data.test_labels))


@pytest.mark.parametrize(
    "names",
    [
        [
            f"KNeighborsClassifier:weights={w},n_neighbors={k},p=1"
            for w in ("uniform", "distance")
            for k in (1, 5, 9)
        ],
        [
            f"LinearSVC:loss={loss},C=1,multi_class=crammer_singer,penalty={penalty}"
            for loss in ("hinge", "squared_hinge")
            for penalty in ("l1", "l2")
        ],
    ],
)
def test_one_fit_answers_as_one_for_each_row_would(part, names):
    data = small(running.load(part), 600)
    rows = select(ROWS, names)
    (job,) = [job for job in running.jobs(rows) if job.repetition == 1]
    assert list(job.rows) == rows
    assert accuracies(job.rows, 1, data, part) == {row.name: alone(row, 1, data) for row in rows}


def test_stages_go_on_where_they_were_stopped_and_are_as_one_fit(part):
    from sklearn.ensemble import GradientBoostingClassifier

    data = small(running.load(part), 300)
    ten, fifty = (
        replace(row, parameters={**row.parameters, "n_estimators": n})
        for row, n in zip(
            select(
                ROWS,
                [
                    f"GradientBoostingClassifier:n_estimators={n},loss=deviance,max_depth=3"
                    for n in (10, 50)
                ],
            ),
            (2, 5),
            strict=True,
        )
    )
    stages = part / "stages"
    going = fits.measure([ten, fifty], 0, data, stages)
    row, outcome = next(going)
    assert (row, outcome["accuracy"]) == (ten, alone(ten, 0, data))
    going.close()  # killed; two of five stages are kept
    assert len(list(stages.iterdir())) == 1
    fitted = []
    fit = GradientBoostingClassifier.fit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            GradientBoostingClassifier, "fit", lambda self, *a: fitted.append(1) or fit(self, *a)
        )
        ((row, again),) = fits.measure([fifty], 0, data, stages)
    assert len(fitted) == 3
    assert (row, again["accuracy"]) == (fifty, alone(fifty, 0, data))
    assert again["wall_seconds"] > outcome["wall_seconds"]
    assert list(stages.iterdir()) == []


def test_a_run_goes_on_after_it_was_stopped(part):
    with subprocess.Popen(
        command(part, NB, TREE), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert "1/5" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode in (143, 0)
    before = read(part / "r")
    run(part, NB, TREE)
    records = read(part / "r")
    assert records[: len(before)] == before
    assert sorted((record["row"], record["repetition"]) for record in records) == [
        (name, repetition) for name in (TREE, NB) for repetition in range(5)
    ]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_row_that_fails_or_takes_too_long_says_so(part, results, capsys, monkeypatch):
    (row,) = select(ROWS, [NB])
    data = running.load(part)
    bad = replace(row, parameters={"priors": [0.5, 0.6]})
    running.run(running.jobs([bad]), data, results, part, 1, time.time() + 60)
    (record,) = results.records  # its other repetitions were not tried
    assert record["error"].startswith("ValueError: ")
    assert "fails: ValueError" in page.as_markdown(ROWS, results.records, [])

    def slow(*_):
        time.sleep(3)
        (part / "ended").touch()

    monkeypatch.setattr(running, "measure", slow)
    job = running.jobs([replace(row, seconds=0)])[0]
    running.run([job], data, results, part, 1, time.time() + 0.3)
    assert not (part / "ended").exists()
    assert len(results.records) == 1
    assert (
        f"{row.name}: repetition 1 was stopped\n1 repetitions are left" in capsys.readouterr().out
    )


def test_the_version_of_then_is_asked_the_same(part, results):
    tree, perceptron = select(ROWS, [TREE, "Perceptron:penalty=l2"])
    python = Path(sys.executable)  # of another version, the same program
    causes.run_old([tree, perceptron], running.raw(part), results, python, part)
    found = {
        (r["row"], r["changed"].split()[-1], r["repetition"]): r["accuracy"]
        for r in results.records
    }
    assert len(found) == 8
    assert found[tree.name, "scaled", 0] == alone(tree, 0, running.load(part))
    assert found[tree.name, "raw", 0] == alone(tree, 0, running.raw(part))
    assert len({found[perceptron.name, "scaled", repetition] for repetition in range(5)}) > 1
    assert all(record["versions"] == running.versions() for record in results.records)
    causes.run_old([tree, perceptron], running.raw(part), results, python, part)
    assert len(results.records) == 8


def test_one_thing_is_changed_at_a_time_and_the_page_shows_what_came_of_it(part, results):
    rows = select(ROWS, [NB, "Perceptron:penalty=l2"])
    data = small(running.raw(part), 600)
    causes.run_changed(rows, data, results)
    found = {(record["row"], record["changed"]): record["accuracy"] for record in results.records}
    splits = [f"split {number}" for number in range(1, 5)]
    assert [changed for row, changed in found if row == NB][-4:] == splits
    assert [changed for row, changed in found if row != NB] == [
        "passes 1",
        "passes 2",
        "passes 10",
        *splits,
    ]
    assert len({found[NB, split] for split in splits}) > 1

    ours = [
        {**job.identities[row.name], "accuracy": row.paper + 0.1, "cpu_seconds": 1.0}
        for job in running.jobs(rows)
        for row in job.rows
        if job.repetition == 0
    ]
    text = page.as_markdown(ROWS, ours, results.records)
    nb = [found[NB, split] for split in splits]
    assert f"| 0.511 | 0.611 | {min(nb):.3f} to {max(nb):.3f} |" in text
    passes = found[rows[1].name, "passes 2"] - rows[1].paper
    assert f"| passes 2 | 1 | {passes:+.3f} | +0.100 |" in text


def test_the_committed_results_are_of_these_rows():
    path = Path(running.__file__).with_name("results.jsonl")
    records = read(path)
    assert {record["row"] for record in records} <= {row.name for row in ROWS}
    assert len({key(record) for record in records if "error" not in record}) == len(records)
    assert all(0 < record["accuracy"] < 1 for record in records if "error" not in record)
    assert describe(ROWS[0]) == "DecisionTreeClassifier(criterion='entropy', max_depth=10)"
