"""The ONNX form of a model: see convert.py."""

import contextlib
import math
import sys

from convert_doubles import boosters_in_double, give_single, is_lightgbm, keep_doubles, split_in_double

SIDE_BY_SIDE = ("float32 side by side", "float64 side by side")


def is_booster(model):
    """Is it LightGBM's or XGBoost's own kind of model, without scikit-learn's interface?"""
    return type(model).__name__ == "Booster" and type(model).__module__.split(".")[0] in ("lightgbm", "xgboost")


def strategies(model, fields):
    """
    How numbers enter the graph. Single precision is what most converters know best; it comes last for trees that would
    split otherwise with it.
    """
    has_integers = any(f["type"] in ("integer", "long") for f in fields)
    by_column = ["float32 with int64", "float32", "float64 with int64", "float64"] if has_integers else ["float32", "float64"]
    # Estimators without a column transformer take all columns side by side, as scikit-learn does with a frame.
    numbers = all(f["type"] in ("boolean", "integer", "long", "float", "double") and not f["shape"] for f in fields)
    found = [*by_column, *SIDE_BY_SIDE] if numbers and len(fields) > 1 else by_column
    return sorted(found, key=lambda s: s.startswith("float32")) if split_in_double(model) else found


def tensor_type(field, strategy):
    from skl2onnx.common import data_types as types

    width = 1
    for size in field["shape"]:
        width *= size
    shape = [None, width]
    if field["type"] in ("string", "datetime", "binary"):
        return types.StringTensorType(shape)
    if field["type"] == "boolean":
        return types.BooleanTensorType(shape)
    if field["type"] in ("integer", "long") and strategy.endswith("with int64"):
        return types.Int64TensorType(shape)
    return types.DoubleTensorType(shape) if strategy.startswith("float64") else types.FloatTensorType(shape)


def graph_inputs(fields, strategy):
    from skl2onnx.common import data_types as types

    if strategy not in SIDE_BY_SIDE:
        return [(f["name"], tensor_type(f, strategy)) for f in fields]
    name = "features"
    while any(f["name"] == name for f in fields):
        name += "_"
    kind = types.DoubleTensorType if strategy.startswith("float64") else types.FloatTensorType
    return [(name, kind([None, len(fields)]))]


def to_onnx(model, fields, strategy):
    from skl2onnx import convert_sklearn

    if is_booster(model):
        return booster_to_onnx(model, fields, strategy)
    register_lightgbm()
    register_xgboost()
    keep_doubles()
    keep_infinite_thresholds()
    final = model.steps[-1][1] if hasattr(model, "steps") else model
    options = {id(final): {"zipmap": False}} if hasattr(final, "classes_") else None
    with without_names(final):
        onnx = convert_sklearn(
            model,
            initial_types=graph_inputs(fields, strategy),
            options=options,
            target_opset={"": 18, "ai.onnx.ml": 3},
        )
    give_single(onnx)
    send_missing_as_sklearn(final, onnx)
    keep_probabilities_within(final, onnx)
    return onnx


def keep_probabilities_within(final, onnx):
    """Has a forest's probabilities lie between 0 and 1: sums of single precision over its trees leave by a ten-millionth."""
    from onnx import helper

    if not hasattr(final, "predict_proba") or not any(n.op_type.startswith("TreeEnsemble") for n in onnx.graph.node):
        return
    output = onnx.graph.output[1]
    names = [f"{output.name}_{part}" for part in ("unbounded", "least", "most")]
    for node in onnx.graph.node:
        node.output[:] = [names[0] if name == output.name else name for name in node.output]
        node.input[:] = [names[0] if name == output.name else name for name in node.input]
    for name, bound in zip(names[1:], (0.0, 1.0)):
        onnx.graph.initializer.append(helper.make_tensor(name, output.type.tensor_type.elem_type, [], [bound]))
    onnx.graph.node.append(helper.make_node("Clip", names, [output.name]))


def keep_infinite_thresholds():
    """
    The converter looks for ever for the number in front of infinity, which scikit-learn has as the threshold of a split
    between missing values and all others.
    """
    from skl2onnx.common import tree_ensemble

    adjusted = tree_ensemble.sklearn_threshold

    def threshold(value, dtype, mode):
        return adjusted(value, dtype, mode) if math.isfinite(value) else value

    if not hasattr(adjusted, "adjusts"):
        threshold.adjusts = adjusted
        tree_ensemble.sklearn_threshold = threshold


def send_missing_as_sklearn(final, onnx):
    """Has a tree or forest send a missing value where scikit-learn's does: the converter sends it right at every node.

    Trees since scikit-learn 1.3 and forests since 1.4 take missing values, also those that saw none in training. The
    outcome is compared with the model like that of every other conversion.
    """
    from sklearn.ensemble._forest import BaseForest
    from sklearn.tree import BaseDecisionTree

    if not isinstance(final, (BaseForest, BaseDecisionTree)):
        return
    trees = [tree.tree_ for tree in (final.estimators_ if isinstance(final, BaseForest) else [final])]
    ensembles = [node for node in onnx.graph.node if node.op_type.startswith("TreeEnsemble")]
    if len(ensembles) != 1 or not all(hasattr(tree, "missing_go_to_left") for tree in trees):
        return
    attributes = {attribute.name: attribute for attribute in ensembles[0].attribute}
    places = list(zip(attributes["nodes_treeids"].ints, attributes["nodes_nodeids"].ints))
    if len(places) != sum(tree.node_count for tree in trees):
        return
    tracks = attributes["nodes_missing_value_tracks_true"].ints
    tracks[:] = [int(trees[tree].missing_go_to_left[node]) for tree, node in places]


@contextlib.contextmanager
def without_names(estimator):
    """XGBoost's converter knows features by their position only."""
    booster = estimator.get_booster() if hasattr(estimator, "get_booster") else None
    names = booster.feature_names if booster is not None else None
    if names is None:
        yield
        return
    booster.feature_names = [f"f{i}" for i in range(len(names))]
    try:
        yield
    finally:
        booster.feature_names = names


def booster_to_onnx(model, fields, strategy):
    """Boosters take all columns side by side, by position; XGBoost's in single precision, LightGBM's in double."""
    import onnxmltools
    from onnx import TensorProto
    from onnxmltools.convert.common.data_types import FloatTensorType

    one_tensor = len(fields) == 1 and fields[0]["shape"]
    precision = "float64" if is_lightgbm(model) else "float32"
    if strategy != (precision if len(fields) == 1 else f"{precision} side by side"):
        raise ValueError(f"it is converted as {precision} side by side only")
    width = model.num_features() if hasattr(model, "num_features") else model.num_feature()
    name = fields[0]["name"] if one_tensor or len(fields) == 1 else graph_inputs(fields, strategy)[0][0]
    types = [(name, FloatTensorType([None, width]))]
    if type(model).__module__.startswith("xgboost"):
        model = model.copy()
        model.feature_names = [f"f{i}" for i in range(width)]
        return onnxmltools.convert_xgboost(model, initial_types=types, target_opset=15)
    with boosters_in_double():
        onnx = onnxmltools.convert_lightgbm(model, initial_types=types, target_opset=15, zipmap=False)
    onnx.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    return onnx


def register_xgboost():
    if "xgboost" not in sys.modules:
        return
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )
    from xgboost import XGBClassifier, XGBRegressor

    update_registered_converter(
        XGBClassifier,
        "XGBoostXGBClassifier",
        calculate_linear_classifier_output_shapes,
        convert_xgboost,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        XGBRegressor, "XGBoostXGBRegressor", calculate_linear_regressor_output_shapes, convert_xgboost
    )


def register_lightgbm():
    if "lightgbm" not in sys.modules:
        return
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        LGBMRegressor, "LightGbmLGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm
    )
