"""Trains a model that says, before departure, how likely a flight is to be more than 15 minutes late.

    MLFLOW_TRACKING_URI=http://127.0.0.1:7600 python train.py --data flights.parquet

Everything below is stock MLflow and scikit-learn; nothing knows what server is behind the tracking URI.
"""

import argparse
import warnings

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

CATEGORIES = ["origin", "destination", "weekday"]
NUMBERS = ["hour", "distance"]
FEATURES = CATEGORIES + NUMBERS
LABEL = "late"


def build_model(C=0.03, degree=3):
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=30), CATEGORIES),
        (make_pipeline(StandardScaler(), PolynomialFeatures(degree, include_bias=False)), NUMBERS),
    )
    return make_pipeline(columns, LogisticRegression(C=C, max_iter=500))


def permuted(labels, share, seed):
    """A negative control: with some labels shuffled there is less, or nothing, to learn."""
    labels = labels.to_numpy(copy=True)
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(rng.random(len(labels)) < share)
    labels[chosen] = labels[rng.permutation(chosen)]
    return labels


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="Parquet or CSV with the features and the label")
    parser.add_argument("--C", type=float, default=0.03, help="inverse strength of the regularisation")
    parser.add_argument("--degree", type=int, default=3, help="degree of the polynomials of the numbers")
    parser.add_argument("--permute-labels", type=float, default=0.0, help="share of labels to shuffle (negative control)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--experiment", default="flight-delay")
    args = parser.parse_args()

    rows = pd.read_csv(args.data) if args.data.endswith(".csv") else pd.read_parquet(args.data)
    X, y = rows[FEATURES], permuted(rows[LABEL].astype(int), args.permute_labels, args.seed)

    mlflow.set_experiment(args.experiment)
    with mlflow.start_run():
        mlflow.log_params({k: v for k, v in vars(args).items() if k not in ("data", "experiment")})
        mlflow.log_param("rows", len(rows))

        model = build_model(args.C, args.degree).fit(X, y)
        p = model.predict_proba(X)[:, 1]
        mlflow.log_metrics(
            {
                "train_log_loss": log_loss(y, p),
                "train_brier": brier_score_loss(y, p),
                "train_auc": roc_auc_score(y, p),
                "late_rate": y.mean(),
            }
        )
        example = X.head(3)
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(example, model.predict_proba(example)),
            input_example=example,
            pyfunc_predict_fn="predict_proba",
            pip_requirements=["mlflow", "scikit-learn", "pandas", "skops"],
        )
        print(f"trained on {len(rows)} rows: log loss {log_loss(y, p):.4f}, AUC {roc_auc_score(y, p):.4f}")


if __name__ == "__main__":
    with warnings.catch_warnings():
        # whole numbers cannot be missing, MLflow says; these never are
        warnings.filterwarnings("ignore", message=".*integer column.*")
        main()
