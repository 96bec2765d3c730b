"""How quick is the search for the best labels beside the plain NumPy way?

    python benchmarks/search.py [--json]

Both get the same float32 queries and vectors (invented ones, of ESCO's number of skills) in the same run,
take turns, and are compared by their best round. The plain way: one product, `argpartition`, sort. Its
scores must be the same.
"""

import argparse
import json
import os
import time

import numpy as np

from skillstream.index.search import top_k

SKILLS, DIM = 13_939, 384


def make_vectors(n: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, DIM), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def plain(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = queries @ vectors.T
    ids = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    best = np.take_along_axis(scores, ids, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(best, order, axis=1)


def compare(m: int, k: int, rounds: int) -> dict[str, float]:
    vectors = make_vectors(SKILLS, seed=1)
    queries = make_vectors(m, seed=2)
    contenders = {
        "product alone": lambda: queries @ vectors.T,
        "plain": lambda: plain(queries, vectors, k),
        "top_k": lambda: top_k(queries, vectors, k),
    }
    np.testing.assert_allclose(contenders["plain"]()[1], contenders["top_k"]()[1], atol=1e-6)
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return {f"{name}, ms": round(seconds * 1e3, 1) for name, seconds in best.items()} | {
        "plain / top_k": round(best["plain"] / best["top_k"], 2)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [
        {"queries": m, "k": k, **compare(m, k, options.rounds)}
        for m in (32, 256, 512)
        for k in (20, 100, 300)
    ]
    if options.json:
        print(
            json.dumps(
                {"cpus": os.cpu_count(), "numpy": np.__version__, "skills": SKILLS, "results": results}
            )
        )
        return
    for result in results:
        print("  ".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
