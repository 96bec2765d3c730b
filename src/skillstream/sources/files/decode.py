"""Bytes of a file in blocks, decompressed on the way, in constant memory."""

from __future__ import annotations

import bz2
import codecs
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

import zstandard

from skillstream.errors import RunError
from skillstream.storage import open_input

__all__ = ["SourceReadError", "read_blocks"]

BLOCK_BYTES = 1 << 20
# Compressed bytes decoded at once, small enough that hostile ones stay bounded: gzip grows at most a
# thousandfold, zstd thirty thousandfold.
_COMPRESSED_BLOCK_BYTES = {"gzip": 1 << 15, "zstd": 1 << 10}
_ZSTD_MAX_WINDOW_BYTES = 1 << 27  # what `zstd --long` needs, and no more
_INVALID = "skillstream.invalid"  # how bytes are decoded that are none of the encoding's
_BOM = b"\xef\xbb\xbf"


class SourceReadError(RunError):
    """An input that fails in the middle: cut off, damaged, changed or gone.

    Raised after everything before the fault was handed over, so that it can be published first.
    `read_chunks` puts the file's path before the message.
    """


class _Decoder(Protocol):
    """What zlib's and zstandard's decompression objects have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _gzip_decoder() -> _Decoder:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)


def _zstd_decoder() -> _Decoder:
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES).decompressobj()


_DECODERS: dict[str, Callable[[], _Decoder]] = {"gzip": _gzip_decoder, "zstd": _zstd_decoder}
# One that gives a byte which is not UTF-8, whatever the encoding, so that the record is rejected for it.
codecs.register_error(_INVALID, lambda error: ("\udcff", getattr(error, "end", 0)))


def read_blocks(
    path: str,
    compression: str | None,
    start: int = 0,
    end: int | None = None,
    etag: str = "",
    encoding: str | None = None,
) -> Iterator[bytes]:
    """The file's content in blocks, as UTF-8, without a byte order mark at its beginning.

    Args:
        path: the file.
        compression: `gzip`, `zstd`, `bzip2` or `None`.
        start: byte to start at, for files that are not compressed and are UTF-8.
        end: byte to end before; `None` for the end of the file.
        etag: which content, if the file is an object.
        encoding: Python's name of the file's encoding; `None` for UTF-8, whose bytes are given as they are.

    Raises:
        SourceReadError: after the last whole block, if the file cannot be read further.
    """
    try:
        with open_input(path, etag) as file:
            if compression is None:
                file.seek(start)
                blocks = _plain(file, None if end is None else end - start)
            elif compression == "bzip2":
                blocks = _unbzipped(file)
            else:
                blocks = _decompressed(file, _DECODERS[compression], _COMPRESSED_BLOCK_BYTES[compression])
            if encoding is not None:
                blocks = _as_utf8(blocks, encoding)
            if start == 0:
                yield next(blocks, b"").removeprefix(_BOM)
            yield from blocks
    except EOFError as error:
        raise SourceReadError("cut off in the middle; what came before the cut was read") from error
    except (zlib.error, zstandard.ZstdError) as error:
        raise SourceReadError(f"damaged {compression} data; what came before was read") from error
    except OSError as error:
        raise SourceReadError(f"cannot be read further: {error.strerror or error}") from error


def _plain(file: BinaryIO, size: int | None) -> Iterator[bytes]:
    left = size
    while block := file.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)):
        if left is not None:
            left -= len(block)
        yield block


def _decompressed(file: BinaryIO, new_decoder: Callable[[], _Decoder], block_bytes: int) -> Iterator[bytes]:
    """Content of all members (gzip) or frames (zstd), one after another. Raises EOFError if cut off."""
    decoder: _Decoder | None = None
    while block := file.read(block_bytes):
        while block:
            if decoder is None:
                block = block.lstrip(b"\0")  # padding between members, as gzip itself allows
                if not block:
                    break
                decoder = new_decoder()
            if content := decoder.decompress(block):
                yield content
            block = b""
            if decoder.eof:
                block = decoder.unused_data
                decoder = None
    if decoder is not None:
        raise EOFError


def _unbzipped(file: BinaryIO) -> Iterator[bytes]:
    """As `_decompressed`; content is asked for in pieces, since bzip2 has no bound on how it grows."""
    decoder: bz2.BZ2Decompressor | None = None
    while block := file.read(BLOCK_BYTES):
        while block or (decoder is not None and not decoder.needs_input):
            decoder = decoder or bz2.BZ2Decompressor()
            try:
                content = decoder.decompress(block, BLOCK_BYTES)
            except OSError as error:  # not the file's
                raise zlib.error(str(error)) from error
            if content:
                yield content
            block = b""
            if decoder.eof:
                block = decoder.unused_data.lstrip(b"\0")
                decoder = None
    if decoder is not None:
        raise EOFError


def _as_utf8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(_INVALID)
    for block in blocks:
        if text := decoder.decode(block):
            yield text.encode("utf-8", "surrogateescape")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogateescape")
