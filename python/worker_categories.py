"""Texts of columns on whose categories a model was trained, as it takes them: see worker.py."""

import functools


def category_encoder(pd, pyfunc):
    """
    What makes, of a frame with texts (JSON and tensors have no categories), the frame that LightGBM or XGBoost was
    trained on, and of all else what it is. MLflow's model does so too from here on, behind what it enforces. A category
    that was not in the training is a missing one.
    """
    try:
        raw = pyfunc.get_raw_model()
    except Exception:
        return lambda data: data
    count = len(getattr(getattr(raw, "booster_", raw), "pandas_categorical", None) or [])
    known = {} if count > 0 else xgboost_categories(raw)
    if count == 0 and not known:
        return lambda data: data

    def encoded(data):
        if not isinstance(data, pd.DataFrame):
            return data
        return with_categories(pd, data, count) if count > 0 else with_known(pd, data, known)

    own = getattr(pyfunc, "_predict_fn", None)
    if own is not None:
        pyfunc._predict_fn = functools.wraps(own)(predict_of(raw, own, encoded, is_booster=not hasattr(raw, "get_params")))
    return encoded


def predict_of(raw, own, encoded, is_booster):
    """MLflow does not say to XGBoost's own kind of model that it may take categories."""
    if not (is_booster and type(raw).__module__.startswith("xgboost")):
        return lambda data, *args, **options: own(encoded(data), *args, **options)
    from xgboost import DMatrix

    def predict(data, params=None):
        return raw.predict(DMatrix(encoded(data), enable_categorical=True), **(params or {}))

    return predict


def xgboost_categories(raw):
    """The categories of a model of XGBoost by the column; those of before 3.1 do not know them."""
    try:
        booster = raw.get_booster() if hasattr(raw, "get_booster") else raw
        told = booster.get_categories(export_to_arrow=True).to_arrow()
        return {name: values.to_pylist() for name, values in told if values is not None}
    except Exception:
        return {}


def with_categories(pd, frame, count):
    """A frame with its columns of texts as categories, where there are as many as LightGBM was trained on; it knows them."""
    texts = [name for name, kind in frame.dtypes.items() if kind == object or isinstance(kind, pd.StringDtype)]
    return frame.astype(dict.fromkeys(texts, "category")) if len(texts) == count else frame


def with_known(pd, frame, known):
    """A frame with columns of the categories that XGBoost knows."""
    return frame.astype({name: pd.CategoricalDtype(values) for name, values in known.items() if name in frame})
