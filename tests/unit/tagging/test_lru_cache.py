from skillstream.tagging.lru_cache import LRUCache


def test_keeps_what_was_used_last():
    cache = LRUCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    assert len(cache) == 2


def test_capacity_zero_keeps_nothing():
    cache = LRUCache(0)
    cache.put("a", 1)
    assert cache.get("a") is None
