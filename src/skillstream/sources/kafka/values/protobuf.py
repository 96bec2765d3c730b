"""Protobuf values by the schema that their producer registered: text in protobuf's language.

The registry has no compiled form of it, so it is compiled here, by Google's own compiler (`grpcio-tools`, the
extra `protobuf`) in a process of its own, once for each schema. Which of a schema's messages a value is, is
said by the indexes in front of it.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from skillstream.extras import needs_extra
from skillstream.rejections import RejectionCode
from skillstream.sources.kafka.values.registry import Schema
from skillstream.sources.kafka.values.rejected import ValueRejectedError

__all__ = ["ProtobufReader", "check_compiler"]

COMPILER = "grpc_tools"
COMPILE_S = 60.0

# What registries know without being told.
CONFLUENT = {
    "confluent/meta.proto": """syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta {
  string doc = 1;
  map<string, string> params = 2;
  repeated string tags = 3;
}
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
""",
    "confluent/type/decimal.proto": """syntax = "proto3";
package confluent.type;
message Decimal {
  bytes value = 1;
  uint32 precision = 2;
  int32 scale = 3;
}
""",
}

_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
_BY_LIBRARY = frozenset(
    f"google.protobuf.{name}"
    for name in ("Duration", "FieldMask", "ListValue", "Struct", "Timestamp", "Value")
)


def check_compiler() -> None:
    """Raises `UsageError` if protobuf's compiler is not installed."""
    with needs_extra("protobuf", "--value-format protobuf"):
        if importlib.util.find_spec(COMPILER) is None:
            raise ImportError(f"no module {COMPILER}")


class ProtobufReader:
    """Reads values of one schema.

    Raises:
        ValueRejectedError: the schema cannot be compiled.
        OSError: the compiler could not run this time.
    """

    def __init__(self, schema: Schema) -> None:
        self._id = schema.id
        self._pool = descriptor_pool.DescriptorPool()
        root = f"schema_{schema.id}_.proto"
        for file in _compiled(schema, root).file:
            self._pool.Add(file)
        self._file = self._pool.FindFileByName(root)

    def read(self, data: bytes) -> object:
        """The message that `data` is, the frame left out but not the indexes.

        Raises:
            ValueRejectedError: it is no such message.
        """
        indexes, rest = _message_indexes(data)
        descriptor = self._message(indexes)
        message = message_factory.GetMessageClass(descriptor)()
        try:
            message.ParseFromString(rest)
        except DecodeError as error:
            detail = f"not a {descriptor.full_name} of schema {self._id}: {error}"
            raise ValueRejectedError(RejectionCode.INVALID_PROTOBUF, detail) from error
        return self._values(message)

    def _message(self, indexes: Sequence[int]) -> Descriptor:
        messages: Sequence[Descriptor] = list(self._file.message_types_by_name.values())
        found: Descriptor | None = None
        for index in indexes:
            if not 0 <= index < len(messages):
                detail = f"schema {self._id} has no message {list(indexes)}"
                raise ValueRejectedError(RejectionCode.INVALID_PROTOBUF, detail)
            found = messages[index]
            messages = list(found.nested_types)
        assert found is not None  # noqa: S101
        return found

    def _values(self, message: Message) -> Any:
        """A message as its fields by the names in the schema; well-known types as what they stand for."""
        name = message.DESCRIPTOR.full_name
        if name in _WRAPPERS:
            return message.value
        if name == "google.protobuf.Any":
            return self._any(message)
        if name in _BY_LIBRARY:
            try:
                return json_format.MessageToDict(message)
            except (json_format.Error, ValueError, TypeError, OverflowError):
                return None  # a time that no calendar has, say: nothing else is lost by it
        return {field.name: self._field(field, value) for field, value in message.ListFields()}

    def _field(self, field: FieldDescriptor, value: Any) -> Any:
        if isinstance(value, Message):  # first: a Struct is a mapping, too
            return self._values(value)
        if isinstance(value, Mapping):
            item = field.message_type.fields_by_name["value"]
            return {str(key): self._one(item, value[key]) for key in value}
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return [self._one(field, item) for item in value]
        return self._one(field, value)

    def _one(self, field: FieldDescriptor, value: Any) -> Any:
        if isinstance(value, Message):
            return self._values(value)
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            return value if known is None else known.name
        return value

    def _any(self, message: Any) -> dict[str, Any]:
        """What is in it if this schema knows its type, beside its address."""
        found = {"@type": message.type_url}
        try:
            descriptor = self._pool.FindMessageTypeByName(message.type_url.rpartition("/")[2])
            inner = message_factory.GetMessageClass(descriptor)()
            inner.ParseFromString(message.value)
        except (KeyError, DecodeError):
            return found
        values = self._values(inner)
        return found | (values if isinstance(values, dict) else {"value": values})


def _message_indexes(data: bytes) -> tuple[list[int], bytes]:
    """The path to the message among those of the schema's file, and what follows: zigzag varints."""
    numbers = _varints(data)
    try:
        count, at = next(numbers)
        if count == 0:
            return [0], data[at:]
        if not 0 < count <= len(data):
            raise ValueError(f"{count} of them")
        indexes = []
        for _ in range(count):
            index, at = next(numbers)
            indexes.append(index)
    except (StopIteration, ValueError) as error:
        detail = f"no message indexes behind the schema id: {error or 'it ends there'}"
        raise ValueRejectedError(RejectionCode.INVALID_PROTOBUF, detail) from error
    return indexes, data[at:]


def _varints(data: bytes) -> Iterator[tuple[int, int]]:
    """Each number with the position behind it."""
    value = shift = 0
    for at, byte in enumerate(data, 1):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield (value >> 1) ^ -(value & 1), at
            value = shift = 0
        elif shift > 63:
            raise ValueError("a number of more than ten bytes")


def _compiled(schema: Schema, root: str) -> descriptor_pb2.FileDescriptorSet:
    """The schema's file by the name `root`, and all that it imports, those that others need first."""
    texts = {**CONFLUENT, **dict(schema.references), root: schema.text}
    with tempfile.TemporaryDirectory(prefix="skillstream-") as folder:
        for name, text in texts.items():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                detail = f"schema {schema.id} refers to a file by the name {name!r}"
                raise ValueRejectedError(RejectionCode.UNSUPPORTED_SCHEMA, detail)
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        out = Path(folder, "schema.descriptors")
        paths = [folder, *_well_known()]
        command = [sys.executable, "-m", f"{COMPILER}.protoc", *(f"-I{path}" for path in paths)]
        command += ["--include_imports", f"--descriptor_set_out={out}", root]
        try:
            run = subprocess.run(  # noqa: S603 - our own Python
                command, capture_output=True, text=True, errors="replace", timeout=COMPILE_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"protobuf's compiler took more than {COMPILE_S:.0f} s") from error
        if run.returncode:
            detail = f"schema {schema.id} cannot be compiled: {run.stderr}"
            raise ValueRejectedError(RejectionCode.UNSUPPORTED_SCHEMA, detail)
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def _well_known() -> Iterator[Path]:
    """Folders of protobuf's own types, and of Google's common ones (`google.type.Date`) if installed."""
    check_compiler()
    spec = importlib.util.find_spec(COMPILER)
    for place in (spec and spec.submodule_search_locations) or []:
        yield Path(place, "_proto")
    common = importlib.util.find_spec("google")
    for place in (common and common.submodule_search_locations) or []:
        if Path(place, "type", "date.proto").is_file():
            yield Path(place).parent
