"""What an expression costs at most, worked out from what is known of its values' sizes before there are any.

    estimate(checked("self.all(x, x.contains('gpu'))", …), sizes, callcosts.call)   # 11 a text of 16 characters, and 2

Source: cel-go's checker/cost.go, whose walk this is.
"""

from typing import Any, NamedTuple

from apiserver.cel.costs import (
    ACROSS,
    LIST,
    MAP,
    MESSAGE,
    ONE,
    PATTERN,
    SCALARS,
    UNKNOWN,
    Called,
    Calls,
    Operand,
    Size,
    Sizes,
    Steps,
    add,
    kind_of,
    scaled,
    times,
)
from podling.pb.expr.expr_pb2 import CheckedExpr, Constant, Expr


class _Entries(NamedTuple):
    """The sizes of what a list or map holds."""

    kind: str
    key: Size
    value: Size

    def either(self, other: "_Entries | None") -> "_Entries | None":
        return None if other is None else _Entries(self.kind, self.key | other.key, self.value | other.value)


class _Local(NamedTuple):
    """A variable that an expression makes."""

    path: Steps
    size: Size | None
    entries: _Entries | None = None


_ADDED = ("add_string", "add_bytes", "add_list")
_COMPARED = frozenset(
    f"{word}_{kind}" for word in ("less", "less_equals", "greater", "greater_equals") for kind in ("string", "bytes")
) | {"equals", "not_equals"}


def estimate(checked: CheckedExpr, sizes: Sizes, calls: Calls) -> int:
    return _Coster(checked, sizes, calls).cost(checked.expr)


class _Coster:
    def __init__(self, checked: CheckedExpr, sizes: Sizes, calls: Calls) -> None:
        self._checked, self._sizes, self._calls = checked, sizes, calls
        self._paths: dict[int, Steps] = {}
        self._sized: dict[int, Size] = {}
        self._entries: dict[int, _Entries] = {}
        self._locals: dict[str, list[_Local]] = {}

    def cost(self, expr: Expr) -> int:
        match expr.WhichOneof("expr_kind"):
            case "ident_expr":
                name = expr.ident_expr.name
                local = self._local(name)
                self._paths[expr.id] = local.path if local else (name,)
                return 1
            case "select_expr":
                return self._select(expr)
            case "call_expr":
                return self._call(expr)
            case "list_expr":
                return self._list(expr)
            case "struct_expr":
                return self._struct(expr)
            case "comprehension_expr":
                return self._bind(expr) if _is_bind(expr.comprehension_expr) else self._comprehension(expr)
        return 0

    # The kinds of expressions.

    def _select(self, expr: Expr) -> int:
        select = expr.select_expr
        cost = self.cost(select.operand)
        if select.test_only:
            return cost
        if self._kind(select.operand) in ("map", "message", "param"):
            cost = add(cost, 1)
        self._paths[expr.id] = (*self._path(select.operand), select.field)
        return cost

    def _call(self, expr: Expr) -> int:
        call = expr.call_expr
        if call.function == "dyn":
            cost = add(1, self.cost(call.args[0]))
            self._copy(expr, call.args[0])
            return cost
        costs, operands = [], []
        for each in call.args:
            costs.append(self.cost(each))
            operands.append(self._operand(each))
        before, target = 0, None
        if call.HasField("target"):
            before = self.cost(call.target)
            target = self._operand(call.target)
        most, size = 0, None
        for overload in self._checked.reference_map[expr.id].overload_id:
            found = self._function(expr, overload, target, operands, costs)
            most = max(most, found.cost)
            if found.size is not None:
                size = found.size if size is None else size | found.size
            if overload in ("index_list", "index_map"):
                entries = self._held(call.args[0])
                size = entries.value if entries else None
                step = "@items" if overload == "index_list" else "@values"
                self._paths[expr.id] = (*self._path(call.args[0]), step)
            size = size or self._size(expr)
        if size is not None:
            self._sized[expr.id] = size
        return add(before, most)

    def _function(
        self, expr: Expr, overload: str, target: Operand | None, given: list[Operand], costs: list[int]
    ) -> Called:
        """With its arguments."""
        whole = add(*costs)
        if (found := self._calls(expr.call_expr.function, target, given, self._sizes)) is not None:
            return Called(add(found.cost, whole), found.size)
        sizes = [each.size or UNKNOWN for each in given]
        of = (target.size if target else None) or UNKNOWN
        match overload:
            case "logical_and" | "logical_or":
                return Called(whole)
            case "conditional":
                one, other = self._held(given[1].expr), self._held(given[2].expr)
                self._hold(expr, one.either(other) if one else None)
                return Called(add(costs[0], max(costs[1], costs[2])), sizes[1] | sizes[2])
            case "string_format":
                return Called(add(scaled(of.most, ACROSS), whole))
            case "string_to_bytes":
                size = Size(sizes[0].least, times(sizes[0].most, 4))
                return Called(add(scaled(sizes[0].most, ACROSS), whole), size)
            case "bytes_to_string":
                return Called(add(scaled(sizes[0].most, ACROSS), whole), Size(sizes[0].least // 4, sizes[0].most))
            case "strings_quote":
                size = Size(add(sizes[0].least, 2), add(times(sizes[0].most, 2), 2))
                return Called(add(scaled(sizes[0].most, ACROSS), whole), size)
            case "starts_with_string" | "ends_with_string":
                return Called(add(scaled(sizes[0].most, ACROSS), whole))
            case "in_list":
                return Called(add(sizes[1].most, whole))
            case "matches_string":
                cost = times(scaled(add(of.most, 1), ACROSS), scaled(sizes[0].most, PATTERN))
                return Called(add(cost, whole))
            case "contains_string":
                return Called(add(times(scaled(of.most, ACROSS), scaled(sizes[0].most, ACROSS)), whole))
        if overload in _ADDED:
            one, other = self._held(given[0].expr), self._held(given[1].expr)
            self._hold(expr, one.either(other) if one else None)
            size = sizes[0].plus(sizes[1])
            return Called(add(1 if overload == "add_list" else scaled(size.most, ACROSS), whole), size)
        if overload in _COMPARED:
            return Called(add(scaled(min(sizes[0].most, sizes[1].most), ACROSS), whole))
        return Called(add(1, whole))

    def _list(self, expr: Expr) -> int:
        elements = expr.list_expr.elements
        cost = add(LIST, *(self.cost(each) for each in elements))
        self._hold(expr, _Entries("list", ONE, _span([self._size(each) or UNKNOWN for each in elements])))
        return cost

    def _struct(self, expr: Expr) -> int:
        struct = expr.struct_expr
        if struct.message_name:
            return add(MESSAGE, *(self.cost(each.value) for each in struct.entries))
        cost = add(MAP, *(self.cost(part) for each in struct.entries for part in (each.map_key, each.value)))
        keys = _span([self._size(each.map_key) or UNKNOWN for each in struct.entries])
        self._hold(expr, _Entries("map", keys, _span([self._size(each.value) or UNKNOWN for each in struct.entries])))
        return cost

    def _comprehension(self, expr: Expr) -> int:
        loop = expr.comprehension_expr
        cost = add(self.cost(loop.iter_range), self.cost(loop.accu_init))
        self._push(loop.accu_var, self._as_local(loop.accu_init))
        held, path = self._held(loop.iter_range), self._path(loop.iter_range)
        is_list = (held.kind if held else self._kind(loop.iter_range)) == "list"
        key, value = (held.key, held.value) if held else (None, None)
        names = [loop.iter_var]
        if loop.iter_var2:
            names.append(loop.iter_var2)
            self._push(loop.iter_var, _Local((*path, "@indices" if is_list else "@keys"), key))
            self._push(loop.iter_var2, _Local((*path, "@items" if is_list else "@values"), value))
        elif is_list:
            self._push(loop.iter_var, _Local((*path, "@items"), value))
        else:
            self._push(loop.iter_var, _Local((*path, "@keys"), key))
        turn = add(self.cost(loop.loop_condition), self.cost(loop.loop_step))
        for name in names:
            self._locals[name].pop()
        cost = add(cost, self.cost(loop.result))
        self._locals[loop.accu_var].pop()
        turns = self._size(loop.iter_range) or UNKNOWN
        match loop.accu_init.WhichOneof("expr_kind"):
            case "const_expr":
                self._copy(expr, loop.accu_init, entries=False)
            case "list_expr" | "struct_expr":
                self._sized[expr.id] = turns
                self._hold(expr, self._held(loop.loop_step))
        return add(cost, times(turns.most, turn))

    def _bind(self, expr: Expr) -> int:
        bind = expr.comprehension_expr
        cost = add(self.cost(bind.iter_range), self.cost(bind.accu_init))
        self._push(bind.accu_var, self._as_local(bind.accu_init))
        cost = add(cost, self.cost(bind.result))
        self._locals[bind.accu_var].pop()
        self._copy(expr, bind.result)
        return cost

    # What is known of an expression.

    def _local(self, name: str) -> _Local | None:
        stack = self._locals.get(name)
        return stack[-1] if stack else None

    def _push(self, name: str, local: _Local) -> None:
        self._locals.setdefault(name, []).append(local)

    def _as_local(self, expr: Expr) -> _Local:
        return _Local(self._path(expr), self._size(expr), self._held(expr))

    def _path(self, expr: Expr) -> Steps:
        if expr.HasField("ident_expr") and (local := self._local(expr.ident_expr.name)):
            return local.path
        return self._paths.get(expr.id, ())

    def _kind(self, expr: Expr) -> str:
        """The engine's checker knows lists in lists and in maps as lists of anything only: the declaration knows."""
        known = kind_of(self._checked.type_map[expr.id])
        return known if known != "dyn" else self._sizes.kind(self._path(expr)) or known

    def _operand(self, expr: Expr) -> Operand:
        path = self._path(expr)
        if path and path[0] in ("@result", "__result__"):
            path = ()
        return Operand(path, self._checked.type_map[expr.id], expr, self._size(expr))

    def _size(self, expr: Expr) -> Size | None:
        if expr.id in self._sized:
            return self._sized[expr.id]
        if (plain := _plain_size(expr)) is not None:
            return plain
        path = self._path(expr)
        if path and (said := self._sizes.size(path)) is not None:
            self._sized[expr.id] = said
            return said
        if self._kind(expr) in SCALARS:
            return ONE
        local = self._local(expr.ident_expr.name) if expr.HasField("ident_expr") else None
        return local.size if local else None

    def _held(self, expr: Expr) -> _Entries | None:
        if expr.id in self._entries:
            return self._entries[expr.id]
        local = self._local(expr.ident_expr.name) if expr.HasField("ident_expr") else None
        return local.entries if local else None

    def _hold(self, expr: Expr, entries: _Entries | None) -> None:
        if entries is not None:
            self._entries[expr.id] = entries

    def _copy(self, to: Expr, source: Expr, *, entries: bool = True) -> None:
        if (size := self._size(source)) is not None:
            self._sized[to.id] = size
        if entries:
            self._hold(to, self._held(source))


def _span(sizes: list[Size]) -> Size:
    return Size(min(each.least for each in sizes), max(each.most for each in sizes)) if sizes else Size(0, 0)


def _plain_size(expr: Expr) -> Size | None:
    """Of literals."""
    match expr.WhichOneof("expr_kind"):
        case "const_expr":
            number = _constant_size(expr.const_expr)
        case "list_expr":
            number = len(expr.list_expr.elements)
        case "struct_expr" if not expr.struct_expr.message_name:
            number = len(expr.struct_expr.entries)
        case _:
            return None
    return Size(number, number)


def _constant_size(constant: Constant) -> int:
    kind: Any = constant.WhichOneof("constant_kind")
    return len(getattr(constant, kind)) if kind in ("string_value", "bytes_value") else 1


def _is_bind(loop: Expr.Comprehension) -> bool:
    """`cel.bind` is a loop that never turns."""
    never = loop.loop_condition.const_expr
    return (
        loop.iter_range.HasField("list_expr")
        and not loop.iter_range.list_expr.elements
        and never.WhichOneof("constant_kind") == "bool_value"
        and not never.bool_value
        and loop.accu_var not in ("@result", "__result__")
    )
