"""What a component is: a frozen, validated specification with units, limits and help on every field.

A component (a data set, model, objective, schedule or sampler) is one class derived from `Spec`, registered with
`component`.  Forms, the command line, project files and exports learn everything that they need from here, so that
adding a component is adding one file.  Specification modules do not import torch at their top: the window is on the
screen before torch is loaded.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar, cast

import msgspec

from gmstudio.errors import RefusedError

Room = Literal["data", "model", "objective", "schedule", "sampler"]

#: Where the components of each room live.  A sub-package is searched only if it says ``COMPONENTS = True``.
PACKAGES: dict[Room, str] = {
    "data": "gmstudio.data",
    "model": "gmstudio.models",
    "objective": "gmstudio.objectives",
    "schedule": "gmstudio.mollification",
    "sampler": "gmstudio.samplers",
}


class SpecError(RefusedError, ValueError):
    """A specification that cannot be used.

    Args:
        message: what is wrong, naming the field and its value.
        remedy: what the person can do about it.
        where: dotted path of the field, such as ``model.blocks``.
    """

    def __init__(self, message: str, remedy: str = "", where: str = "") -> None:
        super().__init__(message, remedy)
        self.where = where


def describe(
    help: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    label: str = "",
    log: bool = False,
    advanced: bool = False,
    widget: str = "",
) -> msgspec.Meta:
    """Describe one field of a `Spec`; used inside ``Annotated``.

    Args:
        help: one or two sentences, shown on hover.
        ge, gt, le, lt: limits of a number (inclusive: ge, le).
        unit: unit of a number, such as ``steps``.
        label: the name that a form shows; made from the field's name where empty.
        log: whether a form steps the number by factors.
        advanced: whether a form hides the field under "More".
        widget: a form's special editor: ``curve``, ``points``, ``file``, ``text`` or ``hidden``.
    """
    limits = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    extra = {"unit": unit, "label": label, "log": log, "advanced": advanced, "widget": widget}
    given: dict[str, Any] = {name: limit for name, limit in limits.items() if limit is not None}
    return msgspec.Meta(description=help, extra=extra, **given)


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=True):
    """Base of every specification: immutable, comparable, and checked when it is made.

    Raises:
        SpecError: when a field is outside its limits.
    """

    def __post_init__(self) -> None:
        for info in fields(type(self)):
            info.check(getattr(self, info.name))
        self.validate()

    def validate(self) -> None:
        """Check what no single field can say.  Override it; raise `SpecError`."""

    def changed(self, **values: Any) -> Any:
        """A copy with some fields changed, checked again."""
        return msgspec.structs.replace(self, **values)


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field of a `Spec`, as forms, the command line and documentation see it.

    `kind` is one of ``int``, ``float``, ``bool``, ``str``, ``choice``, ``spec``, ``other``.
    """

    name: str
    label: str
    kind: str
    default: Any
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    exclusive: tuple[bool, bool] = (False, False)
    choices: tuple[Any, ...] = ()
    log: bool = False
    advanced: bool = False
    widget: str = ""

    @property
    def limits(self) -> str:
        """The limits in words, empty where there are none."""
        low, high = self.minimum, self.maximum
        if low is None and high is None:
            return ""
        if high is None:
            return f"{'more than' if self.exclusive[0] else 'at least'} {_number(low)}"
        if low is None:
            return f"{'less than' if self.exclusive[1] else 'at most'} {_number(high)}"
        if any(self.exclusive):
            more, less = (
                ("more than" if self.exclusive[0] else "at least"),
                ("less than" if self.exclusive[1] else "at most"),
            )
            return f"{more} {_number(low)} and {less} {_number(high)}"
        return f"between {_number(low)} and {_number(high)}"

    def check(self, value: Any) -> None:
        """Raise `SpecError` unless `value` is of this field's type and within its limits."""
        if self.kind == "choice" and value not in self.choices:
            options = ", ".join(map(str, self.choices))
            raise SpecError(f"{self.label} is {_shown(value)}.", f"Choose one of: {options}.", self.name)
        if self.kind not in ("int", "float"):
            return
        if isinstance(value, bool) or not isinstance(value, int if self.kind == "int" else (int, float)):
            raise SpecError(f"{self.label} is {_shown(value)}.", f"Give a number{self._hint()}.", self.name)
        # JSON has whole numbers that no float can hold.
        number = float(value) if abs(value) < 2**1023 else math.inf
        low, high = self.minimum, self.maximum
        too_low = low is not None and (number <= low if self.exclusive[0] else number < low)
        too_high = high is not None and (number >= high if self.exclusive[1] else number > high)
        if not math.isfinite(number) or too_low or too_high:
            raise SpecError(f"{self.label} is {_shown(value)}.", f"Choose a value{self._hint()}.", self.name)

    def _hint(self) -> str:
        return f" {self.limits}" if self.limits else ""


def _shown(value: object) -> str:
    """A value from a stranger, short enough for a message."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return "too large to show"
    return text if len(text) <= 80 else f"{text[:79]}…"


def _number(value: float | None) -> str:
    assert value is not None
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


@cache
def fields(cls: type[Spec]) -> tuple[FieldInfo, ...]:
    """The fields of a specification class, in the order in which a form shows them."""
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    return tuple(_field(field) for field in info.fields)


def _field(field: msgspec.inspect.Field) -> FieldInfo:
    kind_of, description, extra = field.type, "", {}
    if isinstance(kind_of, msgspec.inspect.Metadata):
        description = (kind_of.extra_json_schema or {}).get("description", "")
        extra = kind_of.extra or {}
        kind_of = kind_of.type
    kind = "other"
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    exclusive = (False, False)
    if isinstance(kind_of, msgspec.inspect.BoolType):
        kind = "bool"
    elif isinstance(kind_of, (msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        kind = "int" if isinstance(kind_of, msgspec.inspect.IntType) else "float"
        low = kind_of.ge if kind_of.ge is not None else kind_of.gt
        high = kind_of.le if kind_of.le is not None else kind_of.lt
        exclusive = (kind_of.gt is not None, kind_of.lt is not None)
    elif isinstance(kind_of, msgspec.inspect.StrType):
        kind = "str"
    elif isinstance(kind_of, msgspec.inspect.LiteralType):
        kind, choices = "choice", tuple(kind_of.values)
    elif isinstance(kind_of, msgspec.inspect.StructType):
        kind = "spec"
    default = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    label = extra.get("label") or field.name.replace("_", " ").capitalize()
    return FieldInfo(
        name=field.name,
        label=label,
        kind=kind,
        default=default,
        help=description,
        unit=extra.get("unit", ""),
        minimum=low,
        maximum=high,
        exclusive=exclusive,
        choices=choices,
        log=bool(extra.get("log")),
        advanced=bool(extra.get("advanced")),
        widget=extra.get("widget", ""),
    )


@dataclass(frozen=True, slots=True)
class Component:
    """A registered specification class and what people are told of it."""

    room: Room
    name: str
    title: str
    summary: str
    reference: str
    order: int
    spec: type[Spec]


_registered: dict[Room, dict[str, Component]] = {room: {} for room in PACKAGES}
_discovered: set[Room] = set()
S = TypeVar("S", bound=Spec)


def component(
    room: Room, *, title: str, summary: str, reference: str = "", order: int = 100
) -> Callable[[type[S]], type[S]]:
    """Class decorator that registers a specification.

    Args:
        room: the room that it belongs to.
        title: the name that people read.
        summary: one sentence, shown in lists and on hover.
        reference: the paper, where there is one.
        order: place in lists; smaller is earlier.
    """

    def register(cls: type[S]) -> type[S]:
        name = str(cls.__struct_config__.tag)
        if name in _registered[room] and _registered[room][name].spec.__qualname__ != cls.__qualname__:
            raise ValueError(f"two components of the room {room} are called {name!r}")
        _registered[room][name] = Component(room, name, title, summary, reference, order, cls)
        return cls

    return register


def components(room: Room) -> tuple[Component, ...]:
    """Every component of a room, in the order of menus."""
    if room not in _discovered:
        _discovered.add(room)
        for module in _modules(PACKAGES[room]):
            importlib.import_module(module)
    return tuple(sorted(_registered[room].values(), key=lambda c: (c.order, c.title)))


def _modules(package: str) -> Iterator[str]:
    module = importlib.import_module(package)
    for found in pkgutil.iter_modules(module.__path__):
        name = f"{package}.{found.name}"
        if found.ispkg:
            yield from _modules(name)
        elif getattr(module, "COMPONENTS", False) and not found.name.startswith("_"):
            yield name


def find(room: Room, name: str) -> Component:
    """The component of that name.

    Raises:
        SpecError: when there is none, naming those that there are.
    """
    known = {c.name: c for c in components(room)}
    if name not in known:
        raise SpecError(
            f"There is no {room} called {name!r}.",
            f"Choose one of: {', '.join(sorted(known))}.",
            f"{room}.kind",
        )
    return known[name]


def of(spec: Spec) -> Component:
    """The component that a specification belongs to."""
    for room in PACKAGES:
        for candidate in components(room):
            if candidate.spec is type(spec):
                return candidate
    raise KeyError(type(spec).__name__)


def from_plain(room: Room, plain: object) -> Spec:
    """Make a specification from plain JSON values: ``{"kind": "real-nvp", "blocks": 6}``.

    Raises:
        SpecError: for an unknown kind, an unknown field, a wrong type or a value outside its limits.
    """
    if not isinstance(plain, dict) or not isinstance(plain.get("kind"), str):
        raise SpecError(f"The {room} is not an object with a field 'kind'.", 'Write it as {"kind": "…"}.', room)
    return convert(find(room, plain["kind"]).spec, plain, room)


def convert(cls: type[S], plain: Mapping[str, Any], where: str) -> S:
    """Make a value of the specification class `cls` from plain JSON values.

    Args:
        cls: the class.
        plain: its fields; a ``kind`` is allowed and must be the class's own.
        where: the path that messages begin with, such as ``model``.

    Raises:
        SpecError: for an unknown field, a wrong type or a value outside its limits.
    """
    known = {info.name: info for info in fields(cls)}
    for name in plain:
        if name not in known and name != "kind":
            raise SpecError(
                f"The {where} has an unknown field {name!r}.",
                f"Its fields are: {', '.join(known) or 'none'}.",
                f"{where}.{name}",
            )
    try:
        for name, info in known.items():
            if name in plain:
                info.check(plain[name])
        return msgspec.convert({"kind": cls.__struct_config__.tag, **plain}, type=cls)
    except SpecError as error:
        raise SpecError(error.message, error.remedy, f"{where}.{error.where}") from error
    except msgspec.ValidationError as error:
        cause = error.__cause__
        if isinstance(cause, SpecError):
            raise SpecError(cause.message, cause.remedy, f"{where}.{cause.where}") from error
        raise SpecError(f"The {where} cannot be read: {error}.", "Check that field.", where) from error


def to_plain(spec: Spec) -> dict[str, Any]:
    """The plain JSON values of a specification, with its ``kind``."""
    return cast(dict[str, Any], msgspec.to_builtins(spec))
