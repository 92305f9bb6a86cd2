"""What a row of the paper means in the scikit-learn that is installed.

The paper ran scikit-learn 0.19 (github.com/zalandoresearch/fashion-mnist: requirements.txt,
benchmark/runner.py) with its defaults. Those that changed since are given as they were then; what
was renamed or dropped is put in today's words.
"""

from __future__ import annotations

import importlib
from typing import Any

from .rows import Row

MODULES = {
    "DecisionTreeClassifier": "sklearn.tree",
    "ExtraTreeClassifier": "sklearn.tree",
    "GaussianNB": "sklearn.naive_bayes",
    "GradientBoostingClassifier": "sklearn.ensemble",
    "KNeighborsClassifier": "sklearn.neighbors",
    "LinearSVC": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "MLPClassifier": "sklearn.neural_network",
    "PassiveAggressiveClassifier": "sklearn.linear_model",
    "Perceptron": "sklearn.linear_model",
    "RandomForestClassifier": "sklearn.ensemble",
    "SGDClassifier": "sklearn.linear_model",
    "SVC": "sklearn.svm",
}
# 0.19's defaults where today's differ.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "LinearSVC": {"dual": True},
    "LogisticRegression": {"solver": "liblinear"},
    # The bound was in the code: "self._no_improvement_count > 2".
    "MLPClassifier": {"n_iter_no_change": 2},
    # Five passes over the training data, whatever the loss does.
    "PassiveAggressiveClassifier": {"max_iter": 5, "tol": None},
    # Its elasticnet was l2: it passed l1_ratio=0 on.
    "Perceptron": {"max_iter": 5, "tol": None, "l1_ratio": 0},
    "SGDClassifier": {"max_iter": 5, "tol": None},
    "SVC": {"gamma": "auto"},
}
_RENAMED = {
    ("SGDClassifier", "log"): "log_loss",
    ("GradientBoostingClassifier", "deviance"): "log_loss",
}


def make(row: Row, seed: int | None) -> Any:
    """The estimator of a row. All that it draws comes from the seed."""
    options = {
        **_DEFAULTS.get(row.classifier, {}),
        **{
            key: _RENAMED.get((row.classifier, str(value)), value)
            for key, value in row.parameters.items()
        },
    }
    if row.classifier == "LogisticRegression":
        return _one_vs_rest(options, seed)
    if row.classifier == "PassiveAggressiveClassifier":
        return _passive_aggressive(options, seed)
    kind = getattr(importlib.import_module(MODULES[row.classifier]), row.classifier)
    if "random_state" in kind().get_params():
        options["random_state"] = seed
    return kind(**options)


def describe(row: Row) -> str:
    """The estimator as Python, without its seed."""
    return " ".join(repr(make(row, None)).split())


def _one_vs_rest(options: dict[str, Any], seed: int | None) -> Any:
    """multi_class="ovr" became a class of its own."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    if options.pop("multi_class") != "ovr":
        raise ValueError("the paper has LogisticRegression with multi_class=ovr alone")
    if _since(1, 8):
        options["l1_ratio"] = {"l1": 1, "l2": 0}[options.pop("penalty")]
    return OneVsRestClassifier(LogisticRegression(**options, random_state=seed))


def _passive_aggressive(options: dict[str, Any], seed: int | None) -> Any:
    """PassiveAggressiveClassifier became a learning rate of SGDClassifier in 1.8."""
    from sklearn import linear_model

    if not _since(1, 8):
        return linear_model.PassiveAggressiveClassifier(**options, random_state=seed)
    options["eta0"] = options.pop("C")
    return linear_model.SGDClassifier(
        loss="hinge", penalty=None, learning_rate="pa1", **options, random_state=seed
    )


def _since(*version: int) -> bool:
    import sklearn

    return tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= version
