import numpy as np

from skillstream.ranking.token_match import token_products, token_softmax


def unit(*rows):
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def token_match(sentences, labels):
    """Token-level similarity of each sentence with all labels, and the weights of all tokens."""
    bounds = np.cumsum([0, *map(len, sentences)])
    skills = np.tile(np.arange(len(labels)), (len(sentences), 1))
    pooled = np.stack([tokens[0] for tokens in sentences])
    _, similarity = token_products(pooled, np.concatenate(sentences), bounds, labels, skills)
    matched, weights, sums = token_softmax(similarity, bounds)
    return matched, weights / np.repeat(sums, np.diff(bounds), axis=0)


def test_a_label_that_one_token_means_matches_better_than_one_that_none_does():
    tokens = unit([1, 0, 0], [0, 1, 0], [0, 1, 0.1])
    matched, weights = token_match([tokens], unit([1, 0, 0], [0, 0, 1]))
    [matched] = matched
    assert matched[0] > 0.9 > matched[1]
    assert weights[:, 0].argmax() == 0
    assert np.allclose(weights.sum(axis=0), 1)


def test_token_match_is_the_softmax_weighted_mean_of_the_definition_whatever_the_lengths():
    random = np.random.default_rng(1)
    sentences = [unit(*random.normal(size=(n, 5))) for n in (7, 1, 4)]
    labels = unit(*random.normal(size=(3, 5)))
    matched, _ = token_match(sentences, labels)
    for row, tokens in zip(matched, sentences, strict=True):
        for found, label in zip(row, labels, strict=True):
            similarity = tokens @ label
            weights = np.exp(10 * similarity) / np.exp(10 * similarity).sum()
            assert np.isclose(found, (weights * similarity).sum(), atol=1e-6)


def test_each_sentence_is_compared_with_labels_of_its_own():
    tokens = unit([1, 0], [0, 1])
    cosines, similarity = token_products(
        tokens, tokens, np.array([0, 1, 2]), unit([1, 0], [0, 1]), np.array([[0], [1]])
    )
    assert cosines.tolist() == similarity.tolist() == [[1.0], [1.0]]
