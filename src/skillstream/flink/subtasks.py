"""Which parallel subtask of a Flink operator gets an element: Beam's and Flink's hashing, predicted.

Three steps, read from the classes of Flink 1.19 and of Beam's Flink runner 2.70, and checked against them:

1. `FlinkKey.hashCode` of Beam: the first four bytes of murmur3_128 (seed 0) of the element's encoded bytes.
   A splittable DoFn is keyed by its element alone (`SdfFlinkKeyKeySelector`).
2. `KeyGroupRangeAssignment.assignToKeyGroup` of Flink: `MathUtils.murmurHash` of that number, modulo the
   maximum parallelism.
3. `computeOperatorIndexForKeyGroup`: neighbouring key groups go to the same subtask.

Nothing but evenness hangs on it: where another version hashes otherwise, subtasks get uneven shares.
"""

from __future__ import annotations

__all__ = ["default_max_parallelism", "subtask_of"]

# Flink's own bounds of the number of key groups where a job does not set it.
MAX_PARALLELISM = 32_768
MIN_DEFAULT = 128

U32, U64 = 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF


def subtask_of(element: int, parallelism: int, max_parallelism: int | None = None) -> int:
    """The number of the subtask, in [0, `parallelism`), that gets the integer `element`.

    Args:
        element: as Beam's `VarIntCoder` encodes it: from -2⁶³ to below 2⁶³.
        parallelism: how many subtasks the operator has.
        max_parallelism: number of key groups; `None` is Flink's default for the parallelism.
    """
    groups = max_parallelism or default_max_parallelism(parallelism)
    group = _flink_murmur(_murmur3_128_as_int(_varint(element))) % groups
    return group * parallelism // groups


def default_max_parallelism(parallelism: int) -> int:
    """What Flink takes for a job that does not say (`computeDefaultMaxParallelism`)."""
    half_more = parallelism + parallelism // 2
    return min(max(1 << (half_more - 1).bit_length(), MIN_DEFAULT), MAX_PARALLELISM)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit of a byte says that more follow."""
    number &= U64
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _murmur3_128_as_int(data: bytes) -> int:
    """The low 32 bits, unsigned, of MurmurHash3 x64 128 with seed 0, for up to 15 bytes.

    Fewer than 16 bytes are all "tail": the loop over whole blocks is not needed here.
    """
    if len(data) > 15:
        raise ValueError(f"at most 15 bytes, got {len(data)}")
    h1 = h2 = 0
    k1, k2 = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")
    c1, c2 = 0x87C3_7B91_1142_53D5, 0x4CF5_AD43_2745_937F
    h2 ^= _rotate(k2 * c2 & U64, 33, 64) * c1 & U64
    h1 ^= _rotate(k1 * c1 & U64, 31, 64) * c2 & U64
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & U64
    h2 = (h2 + h1) & U64
    return (_mix64(h1) + _mix64(h2)) & U32


def _flink_murmur(code: int) -> int:
    """`MathUtils.murmurHash` of a 32-bit hash code: not negative."""
    code = _rotate(code * 0xCC9E_2D51 & U32, 15, 32)
    code = _rotate(code * 0x1B87_3593 & U32, 13, 32)
    code = (code * 5 + 0xE654_6B64) & U32
    code ^= 4  # the length in bytes
    code = (code ^ code >> 16) * 0x85EB_CA6B & U32
    code = (code ^ code >> 13) * 0xC2B2_AE35 & U32
    code ^= code >> 16
    signed = code - (1 << 32) if code >> 31 else code
    return 0 if signed == -(1 << 31) else abs(signed)


def _mix64(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51_AFD7_ED55_8CCD & U64
    value = (value ^ value >> 33) * 0xC4CE_B9FE_1A85_EC53 & U64
    return value ^ value >> 33


def _rotate(value: int, by: int, bits: int) -> int:
    return (value << by | value >> (bits - by)) & ((1 << bits) - 1)
