import numpy as np
import pytest

from skillstream.encoder import Encoder
from skillstream.testing import HashEncoder

TEXTS = ["write Python code", "Python", "Java", "", "managing a team", "manage teams"]


def test_hash_encoder_is_an_encoder():
    encoder: Encoder = HashEncoder()
    encoded = encoder.encode_tokens(TEXTS)
    assert encoded.pooled.shape == (6, 384)
    assert encoded.tokens.shape == (encoded.bounds[-1], 384)
    assert encoded.spans[encoded.bounds[1] : encoded.bounds[2]].tolist() == [[0, 0], [0, 6], [0, 0]]
    np.testing.assert_allclose(np.linalg.norm(encoded.tokens, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode(TEXTS), encoded.pooled)


def test_similar_texts_have_similar_vectors():
    code, python, java, _, managing, manage = HashEncoder().encode(TEXTS)
    assert code @ python > 0.4 > code @ java
    assert managing @ manage > managing @ java + 0.1


def test_fingerprint_tells_sizes_apart():
    assert HashEncoder(dim=8).encode(["a"]).shape == (1, 8)
    assert HashEncoder(dim=8).fingerprint != HashEncoder().fingerprint


def test_too_long_is_refused_as_by_real_encoders():
    with pytest.raises(ValueError, match="text 0 has 3 tokens"):
        HashEncoder(max_tokens=2).encode(["a b c"])
