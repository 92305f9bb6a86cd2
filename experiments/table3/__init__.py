"""Table 3 of the Fashion-MNIST paper, run again: 13 classifiers of scikit-learn in 126
configurations.
"""
