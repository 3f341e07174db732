"""Makes statistics.json: what scipy 1.17 and statsmodels 0.15 say of intervals, distributions, the chance of being the
best of several, and a logistic posterior. Needs: pip install scipy statsmodels numpy

    python make_statistics.py        # writes beside itself
"""
import json
from pathlib import Path

import numpy as np
from scipy import integrate, optimize, special, stats
from statsmodels.stats.proportion import confint_proportions_2indep

HERE = Path(__file__).parent


def wilson(successes, trials, confidence):
    interval = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return [successes, trials, confidence, interval.low, interval.high]


def newcombe(a, n, b, m):
    low, high = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff")
    return [a, n, b, m, low, high]


def best(distributions, points):
    """P(each is the largest), by adaptive quadrature between the points."""
    def chance(i):
        def integrand(x):
            value = distributions[i].pdf(x)
            for j, other in enumerate(distributions):
                value *= 1 if i == j else other.cdf(x)
            return value
        return sum(integrate.quad(integrand, low, high, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
                   for low, high in zip(points, points[1:]))
    return [chance(i) for i in range(len(distributions))]


def between(distributions, low, high):
    points = {low, high}
    for one in distributions:
        points.update(np.clip([one.mean() + k * one.std() for k in range(-40, 41)], low, high))
    return sorted(points)


def best_of_betas(parameters):
    distributions = [stats.beta(a, b) for a, b in parameters]
    return {"beta": parameters, "best": best(distributions, between(distributions, 0, 1))}


def best_of_normals(parameters):
    distributions = [stats.norm(mean, sd) for mean, sd in parameters]
    return {"normal": parameters, "best": best(distributions, between(distributions, -1e3, 1e3))}


def logistic(seed, rows, precision, prior):
    random = np.random.default_rng(seed)
    d = len(prior)
    x = np.column_stack([np.ones(rows), random.normal(size=(rows, d - 1)).round(3)])
    y = (random.random(rows) < special.expit(x @ np.linspace(-1, 1, d))).astype(int)

    def loss(w):
        s = x @ w
        return np.sum(np.logaddexp(0, s) - y * s) + precision * np.sum((w - prior) ** 2) / 2

    def slope(w):
        return x.T @ (special.expit(x @ w) - y) + precision * (w - prior)

    found = optimize.minimize(loss, prior, jac=slope, method="BFGS", options={"gtol": 1e-10})
    p = special.expit(x @ found.x)
    covariance = np.linalg.inv(precision * np.eye(d) + (x.T * (p * (1 - p))) @ x)
    return {"rows": x.ravel().tolist(), "outcomes": y.tolist(), "precision": precision, "prior": prior,
            "mode": found.x.tolist(), "covariance": covariance.ravel().tolist()}


document = {
    "wilson": [wilson(*c) for c in [(81, 263, 0.95), (15, 148, 0.95), (0, 20, 0.95), (1, 29, 0.95), (29, 29, 0.95),
                                    (3, 1000, 0.99), (123456, 1000000, 0.9)]],
    "newcombe": [newcombe(*c) for c in [(56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20),
                                        (10, 10, 0, 20), (120, 9000, 8, 1000)]],
    "beta_cdf": [[a, b, x, float(special.betainc(a, b, x))]
                 for a, b in [(1, 1), (2, 5), (1, 1000), (30, 970), (5000, 95000), (1e6, 2e6), (250, 1)]
                 for x in [0.001, 0.029, 0.05, 1 / 3, 0.5, 0.99]],
    "best": [best_of_betas(c) for c in [[[1, 1], [1, 1], [1, 1]], [[2, 1], [1, 2]], [[31, 971], [41, 961], [35, 967]],
                                        [[1, 1], [3001, 97001]], [[1, 4000], [2, 4000], [1, 1]],
                                        [[50001, 950001], [50301, 949701], [6, 96], [1, 1]]]] +
            [best_of_normals(c) for c in [[[0, 1], [0, 1]], [[-3, 0.2], [-2.9, 0.4], [-3.5, 1.5]],
                                          [[1, 0.001], [1.0005, 0.002], [0, 3]]]],
    "logistic": [logistic(1, 60, 1.0, [0.0, 0.0, 0.0]), logistic(2, 300, 0.5, [-1.0, 0.5, 0.0, 0.0]),
                 logistic(3, 8, 2.0, [0.3, 0.0])],
}
(HERE / "statistics.json").write_text(json.dumps(document, indent=0) + "\n")
