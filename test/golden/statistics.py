"""Golden values of src/core/statistics from scipy, scikit-learn and statsmodels.

Prints JSON: {section: {...}}. Sections whose library is not installed are left out.
    python test/golden/statistics.py > src/core/statistics/fixtures/golden.json
"""

import json
import math

import numpy as np

golden = {}


def rounded(values, digits=6):
    return [round(float(v), digits) for v in values]


def special():
    from scipy import special, stats

    probabilities = [1e-12, 1e-6, 0.001, 0.025, 0.2, 0.5, 0.8, 0.975, 0.999, 1 - 1e-9]
    z = [-9.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 1.96, 3.0, 6.0]
    gamma = [(a, x) for a in (0.5, 1, 3, 24.5, 500) for x in (0.1, 1, 5, 30, 480, 560)]
    beta = [(a, b, x) for a in (0.5, 2, 40, 900) for b in (0.5, 3, 700) for x in (0.01, 0.3, 0.5, 0.9)]
    kolmogorov = [0.1, 0.3, 0.6, 0.9, 1.0, 1.3, 1.6, 2.0, 3.0]
    chi = [(s, k) for s in (0.1, 3.84, 10, 100) for k in (1, 4, 50, 999)]
    return {
        "logGamma": [[x, special.gammaln(x)] for x in (1e-5, 0.3, 0.5, 1.5, 3, 10.25, 171, 1e6)],
        "normalQuantile": [[p, stats.norm.ppf(p)] for p in probabilities],
        "normalTwoSidedP": [[x, 2 * stats.norm.sf(abs(x))] for x in z],
        "regularisedGammaQ": [[a, x, special.gammaincc(a, x)] for a, x in gamma],
        "regularisedBeta": [[a, b, x, special.betainc(a, b, x)] for a, b, x in beta],
        "kolmogorovSurvival": [[x, special.kolmogorov(x)] for x in kolmogorov],
        "chiSquareSurvival": [[s, k, stats.chi2.sf(s, k)] for s, k in chi],
    }


def drift():
    from scipy import stats
    from scipy.spatial import distance

    rng = np.random.default_rng(4)
    pairs = [
        (rng.normal(0, 1, 60), rng.normal(0.4, 1, 60)),
        (rng.normal(0, 1, 120), rng.normal(0, 1.4, 45)),
        (rng.normal(0, 1, 300), rng.normal(0, 1, 200)),
        (rng.integers(0, 5, 150), rng.integers(0, 6, 90)),
        (np.ones(40), np.ones(35)),
    ]
    ks = []
    for a, b in pairs:
        a, b = rounded(a), rounded(b)
        result = stats.ks_2samp(a, b)
        ks.append({"a": a, "b": b, "statistic": result.statistic, "pValue": result.pvalue})
    # D, n, m -> p without the data: exact at 5000/500, asymptotic beyond 10,000
    large = []
    for n, m, d in [(20000, 20000, 0.008), (20000, 20000, 0.02), (50000, 500, 0.05), (50000, 500, 0.08), (1000000, 30000, 0.009)]:
        large.append([n, m, d, stats.kstwo.sf(d, round(n * m / (n + m)))])
    tables = [[[120, 80, 50], [100, 95, 70]], [[10, 20], [30, 15]], [[500, 300, 90, 40], [55, 30, 4, 12]]]
    chi = [
        {"table": t, "statistic": r.statistic, "df": int(r.dof), "pValue": r.pvalue}
        for t in tables
        for r in [stats.chi2_contingency(t, correction=False)]
    ]
    js = [
        {"table": t, "distance": distance.jensenshannon(np.array(t[0]) / sum(t[0]), np.array(t[1]) / sum(t[1]))}
        for t in tables
    ]
    wasserstein = []
    for a, b in pairs[:4]:
        a, b = np.array(rounded(a)), np.array(rounded(b))

        def rank(x):
            order = np.sort(a)
            return (np.searchsorted(order, x, "left") + np.searchsorted(order, x, "right")) / (2 * len(a))

        wasserstein.append(stats.wasserstein_distance(rank(a), rank(b)))
    fishers = [[[3, 97], [0, 5000]], [[10, 5], [15, 20]], [[0, 40], [7, 60]]]
    fisher = [{"table": t, "pValue": stats.fisher_exact(t)[1]} for t in fishers]
    return {"ks": ks, "ksLarge": large, "chiSquare": chi, "jensenShannon": js, "rankWasserstein": wasserstein, "fisher": fisher}


def multiple():
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint, proportions_ztest

    lists = [[0.01, 0.04, 0.03, 0.2], [0.5, 0.001, 0.9, 0.02, 0.02, 1.0]]
    wilson = [(0, 10), (10, 10), (3, 17), (400, 1000)]
    rates = [((30, 1000), (60, 1100)), ((5, 200), (90, 400))]
    return {
        "benjaminiHochberg": [[p, list(multipletests(p, method="fdr_bh")[1])] for p in lists],
        "wilson": [[k, n, *proportion_confint(k, n, method="wilson")] for k, n in wilson],
        "proportions": [
            [a[0], a[1], b[0], b[1], proportions_ztest([a[0], b[0]], [a[1], b[1]])[1]] for a, b in rates
        ],
    }


def delong(labels, *models):
    """Plain O(n·m) DeLong, written from the paper: AUCs and their covariance matrix."""
    labels = np.array(labels)
    v10, v01 = [], []
    for scores in models:
        scores = np.array(scores)
        x, y = scores[labels == 1], scores[labels == 0]
        psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    s = np.atleast_2d(np.cov(v10)) / len(v10[0]) + np.atleast_2d(np.cov(v01)) / len(v01[0])
    return [v.mean() for v in v10], s


def classification():
    from scipy import stats
    from sklearn import metrics
    from sklearn.calibration import calibration_curve
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(7)
    n = 300
    signal = rng.normal(size=n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-(signal - 1)))).astype(int)
    first = rounded(1 / (1 + np.exp(-(0.8 * signal + 0.6 * rng.normal(size=n) - 1))), 6)
    second = rounded(np.round(1 / (1 + np.exp(-(0.5 * signal + 0.9 * rng.normal(size=n) - 0.5))), 1), 6)
    threshold = 0.4
    decided = (np.array(first) >= threshold).astype(int)
    aucs, s = delong(labels, first, second)
    standard_error = math.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    fpr, tpr, thresholds = metrics.roc_curve(labels, first, drop_intermediate=False)
    observed, mean_score = calibration_curve(labels, first, n_bins=10, strategy="quantile")
    logits = np.log(np.array(first) / (1 - np.array(first)))
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits[:, None], labels)
    losses = -np.where(labels == 1, np.log(first), np.log(1 - np.array(first)))
    mean_losses = stats.norm.interval(0.95, losses.mean(), losses.std(ddof=1) / math.sqrt(n))

    def mcc(*columns):
        return metrics.matthews_corrcoef(*columns)

    boot = stats.bootstrap(
        (labels, decided), mcc, paired=True, vectorized=False, method="percentile", n_resamples=3000, rng=np.random.default_rng(1)
    ).confidence_interval
    return {
        "labels": [int(v) for v in labels],
        "first": first,
        "second": second,
        "threshold": threshold,
        "auc": [metrics.roc_auc_score(labels, first), metrics.roc_auc_score(labels, second)],
        "delong": {
            "variances": [s[0, 0], s[1, 1]],
            "difference": aucs[0] - aucs[1],
            "standardError": standard_error,
            "pValue": 2 * stats.norm.sf(abs(aucs[0] - aucs[1]) / standard_error),
        },
        "logLoss": metrics.log_loss(labels, first),
        "logLossInterval": list(mean_losses),
        "brier": metrics.brier_score_loss(labels, first),
        "decisions": {
            "accuracy": metrics.accuracy_score(labels, decided),
            "balancedAccuracy": metrics.balanced_accuracy_score(labels, decided),
            "precision": metrics.precision_score(labels, decided),
            "recall": metrics.recall_score(labels, decided),
            "specificity": metrics.recall_score(labels, decided, pos_label=0),
            "f1": metrics.f1_score(labels, decided),
            "mcc": metrics.matthews_corrcoef(labels, decided),
        },
        "mccBootstrap": [boot.low, boot.high],
        "calibration": {"observed": list(observed), "meanScore": list(mean_score)},
        "recalibration": {"intercept": fit.intercept_[0], "slope": fit.coef_[0, 0]},
        "roc": {"fpr": list(fpr), "tpr": list(tpr)},
    }


def sequential():
    from scipy import special, stats

    counts = [[30, 70], [5, 0, 9], [480, 520]]
    probabilities = [[0.5, 0.5], [0.3, 0.3, 0.4], [0.5, 0.5]]
    evidence = []
    for c, p in zip(counts, probabilities):
        prior = 100 * np.array(p)
        n = sum(c)
        marginal = stats.dirichlet_multinomial.logpmf(c, prior, n)
        evidence.append([c, p, marginal - stats.multinomial.logpmf(c, n, p)])
    proportion = [
        [x, n, p, float(special.betaln(x + 0.5, n - x + 0.5) - special.betaln(0.5, 0.5) - x * np.log(p) - (n - x) * np.log1p(-p))]
        for x, n, p in [(3, 100, 0.2), (0, 50, 0.02), (70, 100, 0.5)]
    ]
    return {"multinomial": evidence, "betaBinomial": proportion}


for section in (special, drift, multiple, classification, sequential):
    try:
        golden[section.__name__] = section()
    except ImportError:
        pass


def plain(value):
    return float(value) if isinstance(value, np.floating) else int(value)


print(json.dumps(golden, default=plain, separators=(",", ":")))
