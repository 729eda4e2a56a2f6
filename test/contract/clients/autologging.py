"""Autologging of scikit-learn, LightGBM and XGBoost, as a script that does nothing but switch it on."""

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient

client = MlflowClient()
random = np.random.RandomState(0)
X = pd.DataFrame(random.randn(200, 3), columns=["a", "b", "c"])
y = (X["a"] > 0).astype(int)


def logged(experiment):
    """The run that was logged last in an experiment, with its models."""
    id_ = client.get_experiment_by_name(experiment).experiment_id
    run = client.search_runs([id_], "tags.mlflow.parentRunId IS NULL", max_results=1)[0]
    models = client.search_logged_models([id_], f"source_run_id = '{run.info.run_id}'")
    return run, models


def scikit_learn():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mlflow.set_experiment("auto sklearn")
    mlflow.sklearn.autolog()
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(X, y)
    run, (model,) = logged("auto sklearn")
    assert run.info.status == "FINISHED" and run.data.params["logisticregression__C"] == "0.5"
    assert run.data.metrics["training_accuracy_score"] > 0.9 and run.inputs.dataset_inputs[0].dataset.name == "dataset"
    assert {"estimator.html", "training_confusion_matrix.png"} <= {f.path for f in client.list_artifacts(run.info.run_id)}
    assert (mlflow.sklearn.load_model(f"models:/{model.model_id}").predict(X) == fitted.predict(X)).all()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, y)
    run, _ = logged("auto sklearn")
    assert run.data.params["best_C"] == str(search.best_params_["C"])
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {child.data.params["C"] for child in children} == {"0.1", "1.0"}
    assert "cv_results.csv" in {f.path for f in client.list_artifacts(run.info.run_id)}
    mlflow.sklearn.autolog(disable=True)


def lightgbm():
    import lightgbm

    mlflow.set_experiment("auto lightgbm")
    mlflow.lightgbm.autolog()
    data = lightgbm.Dataset(X, y)
    params = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(params, data, num_boost_round=5, valid_sets=[data], valid_names=["train"])
    run, (model,) = logged("auto lightgbm")
    assert run.data.params["num_boost_round"] == "5" and run.data.params["objective"] == "binary"
    assert [m.step for m in client.get_metric_history(run.info.run_id, "train-binary_logloss")] == list(range(5))
    assert "feature_importance_split.png" in {f.path for f in client.list_artifacts(run.info.run_id)}
    assert np.allclose(mlflow.lightgbm.load_model(f"models:/{model.model_id}").predict(X), booster.predict(X))
    mlflow.lightgbm.autolog(disable=True)


def xgboost():
    import xgboost

    mlflow.set_experiment("auto xgboost")
    mlflow.xgboost.autolog(model_format="json")
    matrix = xgboost.DMatrix(X, y)
    params = {"objective": "binary:logistic", "nthread": 1}
    booster = xgboost.train(params, matrix, num_boost_round=5, evals=[(matrix, "train")], verbose_eval=False)
    run, (model,) = logged("auto xgboost")
    assert run.data.params["num_boost_round"] == "5" and run.data.params["objective"] == "binary:logistic"
    assert [m.step for m in client.get_metric_history(run.info.run_id, "train-logloss")] == list(range(5))
    assert "feature_importance_weight.png" in {f.path for f in client.list_artifacts(run.info.run_id)}
    assert np.allclose(mlflow.xgboost.load_model(f"models:/{model.model_id}").predict(matrix), booster.predict(matrix))
    mlflow.xgboost.autolog(disable=True)


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("Agg")
    scikit_learn()
    lightgbm()
    xgboost()
    print("autologging: done")
