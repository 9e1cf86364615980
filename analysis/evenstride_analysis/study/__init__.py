"""How good the method is, measured: folds, distorted recordings, coverage. Never on the data path."""
