"""Converts a logged scikit-learn, LightGBM or XGBoost model to ONNX and compares the two on the same rows.

    convert.py --model DIR --signature signature.json --rows rows.json --out model.onnx --report report.json

`signature.json` is [{"name", "type", "shape"}] in MLflow's types, `rows.json` a list of {column: value}; `--holdout`
names a file like that of rows that the model was not trained on. The report says how the inputs are laid out, the
classes, and the greatest difference between the two models. Exit status 3 means that the report holds {"problem",
"remedy", "difference"} for the user; any other is a fault of this script.
"""

import argparse
import importlib
import importlib.util
import json
import signal
import sys
import warnings
from pathlib import Path

from convert_borders import rows_at_borders
from convert_graph import is_booster, strategies, to_onnx
from convert_rows import rows_at_splits, rows_to_compare, rows_with_gaps, to_frame

warnings.filterwarnings("ignore")

LABEL_ERRORS_ALLOWED = 0.01
# Less than the step may take: the model still has to be packaged as Python then.
LONGEST_SECONDS = 400
GREATEST_SINGLE = 3.4e38


class Refusal(Exception):
    """The model cannot be converted; said in words for the person who trained it."""

    def __init__(self, problem, remedy, difference=None):
        super().__init__(problem)
        self.problem, self.remedy, self.difference = problem, remedy, difference


class TooLong(BaseException):
    """No Exception, which is how converters say that they do not know a model in one of the layouts."""

    def __init__(self):
        super().__init__()
        self.problem = f"its conversion takes longer than {LONGEST_SECONDS} s"
        self.remedy = "Log it as ONNX (mlflow.onnx.log_model)."
        self.difference = None


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "signature", "rows", "out", "report"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--flavor", required=True, choices=["sklearn", "lightgbm", "xgboost"])
    parser.add_argument("--holdout", type=Path, help="rows that the model was not trained on")
    parser.add_argument("--bound", required=True, type=float, help="greatest difference that is accepted")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_SECONDS)
    try:
        report = convert(args)
    except (Refusal, TooLong) as refusal:
        args.report.write_text(json.dumps(vars(refusal)))
        return 3
    args.report.write_text(json.dumps(report))
    return 0


def give_up(*_):
    raise TooLong


def convert(args):
    require_packages(args.flavor)
    model = load(args.flavor, args.model)
    require_no_neighbours(model)
    fields = json.loads(args.signature.read_text())
    rows = json.loads(args.rows.read_text())
    frame, expected = compared_rows(model, fields, rows)
    borders = border_rows(model, fields, frame, args.bound)
    best, failures = None, []
    for strategy in strategies(model, fields):
        try:
            onnx = to_onnx(model, fields, strategy)
            difference = compare(onnx, expected, fields, frame)
            at_splits, more = compare_at_splits(model, onnx, fields)
            at_borders = compare(onnx, borders[1], fields, borders[0], labels=False) if borders else 0.0
        except Exception as error:  # a converter that does not know this model in this layout
            failures.append(f"{strategy}: {type(error).__name__}: {str(error).strip().splitlines()[0][:300]}")
            continue
        among = f", {at_splits:.3g} on {more} rows between the splits of its trees" if more > 0 else ""
        beside = f", {at_borders:.3g} on {len(borders[0])} rows beside where its answer jumps" if borders else ""
        print(f"numbers as {strategy}: greatest difference {difference:.3g} on {len(frame)} rows{among}{beside}", flush=True)
        difference = max(difference, at_splits, at_borders)
        if best is None or difference < best[0]:
            best = (difference, len(frame) + more + (len(borders[0]) if borders else 0), strategy, onnx)
        if difference <= args.bound / 100:
            break
    if best is None:
        raise Refusal(
            f"no converter for this {args.flavor} model ({'; '.join(failures)})",
            "Log it as ONNX yourself (mlflow.onnx.log_model), or use estimators that skl2onnx converts.",
        )
    difference, count, strategy, onnx = best
    require_close(difference, count, "", args.bound)
    primary = booster_prediction(model, onnx, expected)
    holdout = None if args.holdout is None else compare_held_out(model, onnx, fields, args)
    args.out.write_bytes(onnx.SerializeToString())
    classes = getattr(model, "classes_", None)
    return {
        "rows": count,
        "maxAbsDifference": float(difference),
        "numbersAs": strategy,
        "holdout": holdout,
        "missing": columns_that_may_be_missing(model, onnx, fields, frame, args.bound),
        "classes": None if classes is None else [plain(c) for c in classes],
        "primary": primary,
    }


def compare_held_out(model, onnx, fields, args):
    """The same on rows that the model was not trained on; None where the Python model itself fails on them."""
    held = to_frame(fields, json.loads(args.holdout.read_text()))
    try:
        expected = python_outputs(model, held)
    except Exception as error:
        print(f"not compared on the hold-out, where the Python model fails: {type(error).__name__}: {error}", flush=True)
        return None
    apart = compare(onnx, expected, fields, held)
    print(f"greatest difference {apart:.3g} on {len(held)} rows that were held out", flush=True)
    require_close(apart, len(held), " that were held out", args.bound)
    return {"rows": len(held), "maxAbsDifference": float(apart)}


def require_close(difference, rows, which, bound):
    if difference <= bound:
        return
    raise Refusal(
        f"its ONNX form differs from the Python model by up to {difference:.3g} on {rows} rows{which}, "
        f"more than {bound:g}",
        "Scale large numbers before trees and polynomials, or log it as ONNX (mlflow.onnx.log_model).",
        float(difference) if difference != float("inf") else None,
    )


def require_packages(flavor):
    """Raises ModuleNotFoundError at once where a conversion would do so after seconds of imports and computing."""
    names = ["mlflow", "numpy", "pandas", "onnx", "onnxruntime", "skl2onnx", "sklearn"]
    for name in names if flavor == "sklearn" else [*names, "onnxmltools", flavor]:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named '{name}'")


def require_no_neighbours(model):
    """Of neighbours that are equally near the two forms choose different ones, and a graph is the slower of them."""
    from sklearn.impute import KNNImputer
    from sklearn.neighbors._base import NeighborsBase

    parts = [model] if is_booster(model) else [model, *model.get_params(deep=True).values()]
    if any(isinstance(part, (NeighborsBase, KNNImputer)) for part in parts):
        raise Refusal(
            "it looks for nearest neighbours, and its ONNX form would choose others among those that are equally near",
            "Leave the runtime out: it is served as Python then.",
        )


def load(flavor, path):
    loader = importlib.import_module(f"mlflow.{flavor}")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = loader.load_model(str(path))
    except ModuleNotFoundError as error:
        raise Refusal(
            f"the model needs the Python module {error.name}, which is not installed here",
            f"Install {error.name} into the environment that MILLRACE_PYTHON names.",
        ) from error
    require_own_version(told)
    if is_booster(model):
        return model
    if not hasattr(model, "predict") or not hasattr(model, "get_params"):
        raise Refusal(
            f"it is a {type(model).__name__} without scikit-learn's interface",
            "Train with the scikit-learn interface (for LightGBM: LGBMClassifier), or log it as ONNX.",
        )
    return model


def require_own_version(told):
    """
    Estimators may compute otherwise in another minor version of scikit-learn than the one that trained them (the
    probabilities of a logistic regression of 1.2 are others in 1.8), and the graph would be compared with that.
    """
    for warning in told:
        trained = getattr(warning.message, "original_sklearn_version", None)
        here = getattr(warning.message, "current_sklearn_version", None)
        if trained and here and trained.split(".")[:2] != here.split(".")[:2]:
            raise Refusal(
                f"it was trained with scikit-learn {trained}, and {here} may compute it otherwise",
                "Leave the runtime out: it is served as Python, with its own scikit-learn, then.",
            )


def columns_that_may_be_missing(model, onnx, fields, frame, bound, most=100):
    """Columns of real numbers that the model predicts without a value of, and its ONNX form to the same effect."""
    names = [f["name"] for f in fields if f["type"] in ("float", "double") and not f["shape"]]

    def may(some):
        sparse = rows_with_gaps(frame, some)
        try:
            return compare(onnx, python_outputs(model, sparse), fields, sparse) <= bound
        except Exception:  # it says so itself
            return False

    if not names or may(names):
        return names
    alone = [name for name in names[:most] if may([name])]
    return alone if len(alone) < 2 or may(alone) else []


def compared_rows(model, fields, given):
    """Rows to compare on, and what the Python model says to them."""
    failure = None
    for rows in rows_to_compare(fields, given):
        frame = to_frame(fields, rows)
        try:
            return frame, python_outputs(model, frame)
        except Exception as error:  # it may refuse what it has not seen; its own example it may not
            failure = error
    raise Refusal(
        f"the Python model itself fails on its input example: {type(failure).__name__}: {failure}",
        "Log the model with an input example that it can predict on.",
    ) from failure


def border_rows(model, fields, frame, bound):
    """Rows beside where the model's answer jumps by more than the bound, and what it says to them; None where it never does."""
    import numpy as np

    if hasattr(model, "classes_") and (not hasattr(model, "predict_proba") or isinstance(model.classes_, list)):
        return None  # which has nothing but labels, and those jump anyhow, or several at once

    def answer(rows):
        if hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(rows), dtype=np.float64).reshape(len(rows), -1)
        values = np.asarray(python_outputs(model, rows)["label"], dtype=np.float64).reshape(len(rows), -1)
        return np.sign(values) * np.log1p(np.abs(values))  # of which differences are relative, as they are compared

    rows = rows_at_borders(fields, frame, answer, bound)
    return None if rows is None or len(rows) == 0 else (rows, python_outputs(model, rows))


def compare_at_splits(model, onnx, fields):
    """
    Greatest difference on rows between the values where the graph's trees split, and how many those are; none of a model
    without trees. An example has but a few of the values that a tree tells apart, and none where single precision does not.
    """
    rows = rows_at_splits(onnx, fields)
    if not rows:
        return 0.0, 0
    frame = to_frame(fields, rows)
    try:
        expected = python_outputs(model, frame)
    except Exception:  # behind a step of a pipeline splits are not values of columns
        return 0.0, 0
    return compare(onnx, expected, fields, frame), len(rows)


def python_outputs(model, frame):
    """Label (or value) and, of a classifier, the probabilities."""
    if is_booster(model):
        return {"label": booster_outputs(model, frame)}
    outputs = {"label": model.predict(frame)}
    if hasattr(model, "predict_proba"):
        outputs["probability"] = model.predict_proba(frame)
    return outputs


def booster_outputs(model, frame):
    import numpy as np

    if type(model).__module__.startswith("lightgbm"):
        return model.predict(frame)
    import xgboost

    # By the names that it was trained with, where it has any; the signature's otherwise.
    matrix = xgboost.DMatrix(np.asarray(frame, dtype=np.float64), feature_names=model.feature_names)
    return model.predict(matrix)


def booster_prediction(model, onnx, expected):
    """
    The output that is what a booster's predict gives where its graph has a label in front of probabilities: those, or,
    where it gives that of the second class alone, an output of its own for it. None for every other model.
    """
    import numpy as np
    from onnx import TensorProto, helper

    outputs = [output.name for output in onnx.graph.output]
    if not is_booster(model) or len(outputs) < 2:
        return None
    if np.asarray(expected["label"]).reshape(len(expected["label"]), -1).shape[1] > 1:
        return outputs[1]
    graph, name, second = onnx.graph, "prediction", "second_class"
    graph.initializer.append(helper.make_tensor(second, TensorProto.INT64, [], [1]))
    graph.node.append(helper.make_node("Gather", [outputs[1], second], [name], axis=1))
    graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]))
    return name


def compare(onnx, expected, fields, frame, labels=True):
    """
    Greatest absolute difference of probabilities; for regression relative to 1 + |value|.

    @param labels count labels that differ, beside probabilities, as well; beside where a forest's answer jumps many are
    of classes that are equally probable
    """
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(onnx.SerializeToString(), options, providers=["CPUExecutionProvider"])
    dtypes = {i.name: i.type for i in session.get_inputs()}
    feeds = {}
    side_by_side = [name for name in dtypes if all(f["name"] != name for f in fields)]
    for name in side_by_side:
        feeds[name] = cast(frame.to_numpy(dtype=np.float64), dtypes[name])
    for field in fields:
        if field["name"] not in dtypes:
            continue  # the model does not look at this column
        values = frame if isinstance(frame, np.ndarray) else frame[field["name"]].to_numpy()
        feeds[field["name"]] = cast(values, dtypes[field["name"]]).reshape(len(frame), -1)
    outputs = session.run(None, feeds)
    tell_sizes(onnx, outputs)
    if "probability" not in expected:
        theirs = np.asarray(expected["label"], dtype=np.float64).reshape(len(frame), -1)
        # A booster's graph has probabilities beside the label, of both classes where the booster gives one number.
        ours = outputs[0] if len(outputs) == 1 or not is_real(outputs[1]) else outputs[1]
        ours = np.asarray(ours, dtype=np.float64).reshape(len(frame), -1)[:, -theirs.shape[1] :]
        return greatest(ours, theirs, 1 + np.abs(theirs))
    ours = np.asarray(outputs[0]).reshape(len(frame), -1)
    wrong = np.mean(ours.astype(str) != np.asarray(expected["label"]).astype(str).reshape(len(frame), -1))
    if labels and wrong > LABEL_ERRORS_ALLOWED:
        return float("inf")
    return greatest(np.asarray(outputs[1], dtype=np.float64), np.asarray(expected["probability"]), 1)


def tell_sizes(onnx, outputs):
    """Has the graph tell the true sizes of its outputs: converters give one column to trees that have several."""
    for told, output in zip(onnx.graph.output, outputs):
        dims = told.type.tensor_type.shape.dim
        if not hasattr(output, "shape") or len(dims) != output.ndim:
            continue
        for dim, size in list(zip(dims, output.shape))[1:]:
            if dim.dim_value > 0:
                dim.dim_value = size


def greatest(ours, theirs, unit):
    """Greatest difference in units; what only one of them has no number for is infinitely far apart."""
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(ours - theirs) / unit
        # What single precision cannot hold is infinite in a graph: documented, and refused where it is a score.
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs)) | (np.isinf(ours) & (theirs * np.sign(ours) > GREATEST_SINGLE))
    return float(np.max(np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))))


def is_real(values):
    return getattr(getattr(values, "dtype", None), "kind", "") == "f"


def cast(values, kind):
    import numpy as np

    if kind == "tensor(string)":
        return np.array(["" if v is None else str(v) for v in values], dtype=object)
    dtypes = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(bool)": bool}
    return np.asarray(values).astype(dtypes[kind])


def plain(value):
    return value.item() if hasattr(value, "item") else value


if __name__ == "__main__":
    sys.exit(main())
