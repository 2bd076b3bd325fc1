"""Frozen dataclasses to plain JSON values and back."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from fractions import Fraction
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Plain = dict[str, Any]


def to_plain(value: object) -> Any:
    """Dicts, lists, strings, numbers and None only. A fraction becomes its string, "30000/1001"."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], data: object) -> T:
    """The inverse of `to_plain`. Raises ValueError for data of another shape."""
    return cast(T, _read(kind, data))


def _read(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        (kind,) = (arg for arg in get_args(kind) if arg is not type(None))
        return None if data is None else _read(kind, data)
    if origin is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in data)
    if origin is Literal:
        return _one_of(get_args(kind), data)
    if is_dataclass(kind):
        return _read_fields(kind, data)
    return _read_scalar(kind, data)


def _read_fields(kind: Any, data: object) -> Any:
    if not isinstance(data, Mapping):
        raise _wrong_shape(kind, data)
    hints = get_type_hints(kind)
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    missing = needed - data.keys()
    if missing:
        raise ValueError(f"{kind.__name__}: missing {', '.join(sorted(missing))}")
    return kind(**{name: _read(hint, data[name]) for name, hint in hints.items() if name in data})


def _read_scalar(kind: Any, data: Any) -> Any:
    if kind is Fraction:
        return Fraction(data)
    # A protobuf Struct carries every number as a double.
    if kind is int and isinstance(data, float) and data.is_integer():
        return int(data)
    if not isinstance(data, kind):
        raise _wrong_shape(kind, data)
    return data


def _one_of(allowed: tuple[object, ...], data: object) -> object:
    if data not in allowed:
        raise ValueError(f"{data!r} is none of {allowed}")
    return data


def _wrong_shape(kind: Any, data: object) -> ValueError:
    return ValueError(f"expected {kind.__name__}, got {type(data).__name__}")
