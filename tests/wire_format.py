"""Values as Confluent's serialisers write them, made without the code that reads them."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import run
from typing import Any

import fastavro
import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["Messages", "avro_bytes", "framed", "varint"]


def framed(schema_id: int, body: bytes, indexes: Sequence[int] | None = None) -> bytes:
    """A zero byte, the schema's id, and for protobuf the message's indexes, in front of `body`."""
    path = b""
    if indexes is not None:
        path = b"\0" if list(indexes) == [0] else b"".join(map(varint, [len(indexes), *indexes]))
    return struct.pack(">bI", 0, schema_id) + path + body


def varint(number: int) -> bytes:
    """Zigzag, seven bits a byte."""
    number = (number << 1) ^ (number >> 63)
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def avro_bytes(schema: Any, value: Any, named: Sequence[Any] = ()) -> bytes:
    """The value without a frame; `named` are schemas that `schema` refers to."""
    known: dict[str, Any] = {}
    for other in named:
        fastavro.parse_schema(other, known)
    wrapper = {"type": "record", "name": "Test", "fields": [{"name": "value", "type": schema}]}
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(wrapper, known), {"value": value})
    return stream.getvalue()


class Messages:
    """Classes of the messages in protobuf's texts: `Messages(folder, {"a.proto": ...})["package.Name"]`."""

    def __init__(self, folder: Path, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        out = folder / "out"
        own = Path(grpc_tools.__file__).parent / "_proto"
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{own}", "--include_imports"]
        run([*command, f"--descriptor_set_out={out}", *texts], check=True)
        self._pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            self._pool.Add(file)

    def __getitem__(self, name: str) -> Any:
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))
