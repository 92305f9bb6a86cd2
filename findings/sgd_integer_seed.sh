#!/usr/bin/env bash
# SGDClassifier of scikit-learn 0.19.2 trains all of its one-vs-all classes on the same shuffles if its random_state
# is an integer, on different ones if it is a RandomState of the same seed. In 0.23.2 both are the same, and
# no class is as when it is fitted alone.
#
# So a class of 0.19.2's multiclass fit is the very fit of "this class or not" with the same integer, and the models
# of an integer and of a RandomState differ. A table of results such as Fashion-MNIST's Table 3, made with one version
# and repeated by integer seeds with another, compares the shuffling too. 0.20.4 is as 0.19.2; 0.24.2 and 1.9.1 are as
# 0.23.2.
#
# Seen on 28 November 2026 with Python 3.6.15 (the argument: a Python 3.6, which these packages have wheels for):
#   0.19.2: classes as when fitted alone: integer [True, True, True], RandomState [True, False, False]; equal: False
#   0.23.2: classes as when fitted alone: integer [False, False, False], RandomState [False, False, False]; equal: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/expected" <<'END'
0.19.2: classes as when fitted alone: integer [True, True, True], RandomState [True, False, False]; equal: False
0.23.2: classes as when fitted alone: integer [False, False, False], RandomState [False, False, False]; equal: True
END
cat >"$folder/fit.py" <<'END'
import numpy as np
import sklearn
from sklearn.linear_model import SGDClassifier


def fit(labels, random_state):
    return SGDClassifier(max_iter=1, tol=None, random_state=random_state).fit(points, labels).coef_


rng = np.random.RandomState(0)
points = rng.randn(200, 5)
labels = rng.randint(0, 3, 200)
alone = [fit(labels == label, 0)[0] for label in range(3)]
integer = fit(labels, 0)
stateful = fit(labels, np.random.RandomState(0))
print(
    "{}: classes as when fitted alone: integer {}, RandomState {}; equal: {}".format(
        sklearn.__version__,
        [np.array_equal(a, b) for a, b in zip(integer, alone)],
        [np.array_equal(a, b) for a, b in zip(stateful, alone)],
        np.array_equal(integer, stateful),
    )
)
END
"${1:-python3.6}" -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" -q --disable-pip-version-check install --no-deps)
"${pip[@]}" numpy==1.13.3 scipy==0.19.1 joblib==1.1.1 threadpoolctl==3.1.0
for version in 0.19.2 0.23.2; do
  "${pip[@]}" --target "$folder/$version" "scikit-learn==$version"
  PYTHONPATH="$folder/$version" "$folder/venv/bin/python" "$folder/fit.py" | tee -a "$folder/seen"
done
diff "$folder/expected" "$folder/seen"
