"""Scores the replayed flights as other policies would have: with the model of train.py, trained at other times.

    MLFLOW_TRACKING_URI=http://127.0.0.1:7600 python baselines.py --data flights.parquet --first models:/flight-delay/1 --out directory

Writes one raw little-endian float64 per flight and policy, in the order of the rows from February on.
"""

import argparse
import os
import warnings

import mlflow
import pandas as pd

import train


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="Parquet with all flights from January to June")
    parser.add_argument("--first", required=True, help="the first champion, as MLflow names it")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    os.nice(10)

    flights = pd.read_parquet(args.data)
    months = pd.date_range("2001-01-01", "2001-07-01", freq="MS")

    def trained(start, end):
        rows = flights[(flights.date >= start) & (flights.date < end)]
        return train.build_model().fit(rows[train.FEATURES], rows[train.LABEL])

    first = mlflow.sklearn.load_model(args.first)
    scores = {"never": [], "monthly": [], "cumulative": []}
    for i in range(1, 6):
        served = flights[(flights.date >= months[i]) & (flights.date < months[i + 1])][train.FEATURES]
        models = {
            "never": first,
            "monthly": trained(months[i - 1], months[i]) if i > 1 else first,
            "cumulative": trained(months[0], months[i]) if i > 1 else first,
        }
        for policy, model in models.items():
            scores[policy].append(pd.Series(model.predict_proba(served)[:, 1]))
        print(f"{months[i]:%B} scored", flush=True)
    for policy, parts in scores.items():
        pd.concat(parts).to_numpy(dtype="<f8").tofile(os.path.join(args.out, f"{policy}.f64"))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
