"""Has graphs compute in double precision where Python does, so that their trees split where Python's do: see convert.py.

The converters have trees, and the filling of missing values, compute in single precision whatever comes in. Behind a
step that computes in double precision, and for trees that do so themselves, that sends rows to the other side of a split.
"""

import contextlib
import functools
import importlib

TREES = ("DecisionTree", "ExtraTree", "ExtraTrees", "RandomForest", "GradientBoosting")
XGBOOST = ("XGBoostXGBClassifier", "XGBoostXGBRegressor")
IMPUTER = "SklearnSimpleImputer"
LIGHTGBM = ("LightGbmLGBMClassifier", "LightGbmLGBMRegressor")
# What they give, before it is cast.
OF_TREES = "of_trees"
# What of a node holds numbers, and is a tensor in double precision.
REALS = ("nodes_values", "nodes_hitrates", "class_weights", "target_weights", "base_values")


def split_in_double(model):
    """Do trees of a model look at numbers of double precision, of which single precision would make others?"""
    parts = [model] if not hasattr(model, "get_params") else [model, *model.get_params(deep=True).values()]
    kinds = [type(part).__name__ for part in parts]
    have_trees = any(kind.startswith(("XGB", *TREES)) for kind in kinds)
    doubles = any(kind.startswith(("HistGradientBoosting", "LGBM")) or is_lightgbm(part) for kind, part in zip(kinds, parts))
    return doubles or (have_trees and any(hasattr(part, "transform") for part in parts))


def is_lightgbm(model):
    return type(model).__name__ == "Booster" and type(model).__module__.startswith("lightgbm")


def keep_doubles():
    """Registers these converters anew, for graphs of double precision; those of single precision stay as they are."""
    from skl2onnx.common import _registration as registration

    for alias, registered in list(registration._converter_pool.items()):
        if hasattr(registered._fct, "keeps_doubles"):
            continue
        if "Hist" in alias:
            converter = in_double(registered._fct, op_version=3)
        elif alias in LIGHTGBM:
            converter = in_double(registered._fct)
        elif alias == IMPUTER:
            converter = filled_in_double(registered._fct)
        elif is_tree(alias):
            converter = in_single(registered._fct)
        else:
            continue
        converter.keeps_doubles = True
        registration.register_converter(alias, converter, overwrite=True, options=registered.get_allowed_options())


def is_tree(alias):
    kind = alias.removeprefix("Sklearn").removesuffix("Classifier").removesuffix("Regressor")
    return kind in TREES or alias in XGBOOST


def in_single(convert):
    """A converter of trees that have single precision made of what they get, whatever it was."""

    def converted(scope, operator, container):
        if not takes_doubles(operator):
            return convert(scope, operator, container)
        from onnx import TensorProto
        from skl2onnx.common.data_types import FloatTensorType

        name = scope.get_unique_variable_name("single")
        container.add_node("Cast", operator.inputs[0].full_name, name, to=TensorProto.FLOAT)
        kind = FloatTensorType(operator.inputs[0].type.shape)
        return with_outputs(convert, scope, operator, container, [Named(name, kind)])

    return converted


def in_double(convert, **options):
    """A converter of trees that compare in double precision."""

    def converted(scope, operator, container):
        if not takes_doubles(operator):
            return convert(scope, operator, container)
        return with_outputs(functools.partial(convert, **options), scope, operator, DoubleTrees(container), operator.inputs)

    return converted


@contextlib.contextmanager
def boosters_in_double():
    """Has onnxmltools, which knows LightGBM's own models, give their trees numbers of double precision."""
    importlib.import_module("onnxmltools.convert.lightgbm.operator_converters")  # which registers them
    from onnxmltools.convert.common import _registration as registration

    kinds = ("LgbmClassifier", "LgbmRegressor", "LgbmRanker")
    before = {kind: registration.get_converter(kind) for kind in kinds}

    def doubled(convert):
        return lambda scope, operator, container: convert(scope, operator, DoubleTrees(container))

    try:
        for kind in kinds:
            registration.register_converter(kind, doubled(before[kind]), overwrite=True)
        yield
    finally:
        for kind in kinds:
            registration.register_converter(kind, before[kind], overwrite=True)


def give_single(onnx):
    """Has a graph give what its trees gave: in single precision, where it was cast to double."""
    from onnx import TensorProto

    casts = {node.output[0]: node for node in onnx.graph.node if node.name.startswith(OF_TREES)}
    for output in onnx.graph.output:
        if output.name in casts:
            casts[output.name].attribute[0].i = TensorProto.FLOAT
            output.type.tensor_type.elem_type = TensorProto.FLOAT


def filled_in_double(convert):
    """A converter of the imputer that fills with one value a column."""

    def converted(scope, operator, container):
        import numpy as np
        from onnx import TensorProto
        from skl2onnx.operator_converters.common import concatenate_variables

        imputer = operator.raw_operator
        values = np.asarray(imputer.statistics_)
        is_plain = values.dtype.kind == "f" and np.isfinite(values).all() and not imputer.add_indicator
        if not takes_doubles(operator) or not is_plain or imputer.missing_values is not np.nan:
            return convert(scope, operator, container)
        given = concatenate_variables(scope, operator.inputs, container)
        filling, missing = (scope.get_unique_variable_name(name) for name in ("filling", "missing"))
        container.add_initializer(filling, TensorProto.DOUBLE, [1, len(values)], values.tolist())
        container.add_node("IsNaN", given, missing)
        container.add_node("Where", [missing, filling, given], operator.outputs[0].full_name)

    return converted


def takes_doubles(operator):
    from skl2onnx.common.data_types import DoubleTensorType

    return all(isinstance(given.type, DoubleTensorType) for given in operator.inputs)


def with_outputs(convert, scope, operator, container, inputs):
    """Trees always give single precision, where the graph was told of double."""
    from onnx import TensorProto
    from skl2onnx.common.data_types import DoubleTensorType

    outputs, casts = [], []
    for output in operator.outputs:
        if isinstance(output.type, DoubleTensorType):
            name = scope.get_unique_variable_name(OF_TREES)
            casts.append((name, output.full_name))
            outputs.append(Named(name, output.type))
        else:
            outputs.append(output)
    convert(scope, Between(operator, inputs, outputs), container)
    for name, told in casts:
        container.add_node("Cast", name, told, name=scope.get_unique_operator_name(OF_TREES), to=TensorProto.DOUBLE)


class Named:
    """A variable of a graph for a converter."""

    def __init__(self, name, kind):
        self.full_name = self.onnx_name = self.raw_name = name
        self.type = kind


class Between:
    """An operator with other inputs and outputs."""

    def __init__(self, operator, inputs, outputs):
        self._operator, self.inputs, self.outputs = operator, inputs, outputs
        self.input_full_names = [variable.full_name for variable in inputs]
        self.output_full_names = [variable.full_name for variable in outputs]

    def __getattr__(self, name):
        return getattr(self._operator, name)


class DoubleTrees:
    """A container whose trees have their numbers in double precision."""

    def __init__(self, container):
        self._container = container

    def __getattr__(self, name):
        return getattr(self._container, name)

    def add_node(self, op_type, inputs, outputs, **attributes):
        if op_type.startswith("TreeEnsemble"):
            attributes = {**in_tensors(attributes), "op_version": 3}
        return self._container.add_node(op_type, inputs, outputs, **attributes)


def in_tensors(attributes):
    import numpy as np
    from onnx import numpy_helper

    return {
        f"{name}_as_tensor" if name in REALS else name: numpy_helper.from_array(np.asarray(value, dtype=np.float64), name)
        if name in REALS
        else value
        for name, value in attributes.items()
    }
