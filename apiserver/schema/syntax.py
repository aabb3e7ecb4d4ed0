"""What is wrong with a text that is no JSON, in the words of Go's encoding/json (source: scanner.go)."""

import re

END = "unexpected end of JSON input"
MOST_DEPTH = 10_000
_SPACE = b" \t\r\n"
_NUMBER_START = b"-0123456789"
_HEX = re.compile(rb"[0-9a-fA-F]")


class _Wrong(Exception):
    pass


def syntax_error(body: bytes) -> str:
    """The first syntax error of `body`, or "" when Go finds none."""
    try:
        position = _skip(body, _values(body))
        if position < len(body):
            raise _character(body, position, "after top-level value")
    except _Wrong as wrong:
        return str(wrong)
    return ""


def _skip(body: bytes, position: int) -> int:
    while position < len(body) and body[position] in _SPACE:
        position += 1
    return position


def _character(body: bytes, position: int, context: str) -> _Wrong:
    if position >= len(body):
        return _Wrong(END)
    byte = body[position]
    if byte == ord("'"):
        shown = r"'\''"
    elif byte == ord('"'):
        shown = "'\"'"
    elif byte == ord("\\"):
        shown = r"'\\'"
    elif 32 <= byte < 127:
        shown = f"'{chr(byte)}'"
    else:
        named = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r"}
        escaped = rf"\x{byte:02x}" if byte < 128 else rf"\u{byte:04x}"
        shown = f"'{named.get(byte) or (chr(byte) if byte >= 161 else escaped)}'"
    return _Wrong(f"invalid character {shown} {context}")


def _values(body: bytes) -> int:
    """Walks one value without recursion; the position behind it."""
    open_: list[int] = []  # the brackets around us
    position = _skip(body, 0)
    while True:
        position, opened = _begin(body, position)
        if opened:
            open_.append(opened)
            if len(open_) > MOST_DEPTH:
                raise _Wrong("exceeded max depth")
            position = _skip(body, position)
            if position < len(body) and body[position] == (0x7D if opened == 0x7B else 0x5D):
                open_.pop()
                position += 1
            elif opened == 0x7B:
                position = _key(body, position)
                continue
            else:
                continue
        while open_:
            position = _skip(body, position)
            here = body[position] if position < len(body) else -1
            if open_[-1] == 0x7B:
                if here == 0x2C:
                    position = _key(body, _skip(body, position + 1))
                    break
                if here != 0x7D:
                    raise _character(body, position, "after object key:value pair")
            else:
                if here == 0x2C:
                    position = _skip(body, position + 1)
                    break
                if here != 0x5D:
                    raise _character(body, position, "after array element")
            open_.pop()
            position += 1
        else:
            return position


def _key(body: bytes, position: int) -> int:
    if position >= len(body) or body[position] != 0x22:
        raise _character(body, position, "looking for beginning of object key string")
    position = _skip(body, _string(body, position))
    if position >= len(body) or body[position] != 0x3A:
        raise _character(body, position, "after object key")
    return _skip(body, position + 1)


def _begin(body: bytes, position: int) -> tuple[int, int]:
    """(position behind a scalar or an opening bracket, that bracket or 0)."""
    if position >= len(body):
        raise _Wrong(END)
    byte = body[position]
    if byte in b"{[":
        return position + 1, byte
    if byte == 0x22:
        return _string(body, position), 0
    if byte in _NUMBER_START:
        return _number(body, position), 0
    for literal in (b"true", b"false", b"null"):
        if byte == literal[0]:
            for offset, expected in enumerate(literal):
                if position + offset >= len(body) or body[position + offset] != expected:
                    words = f"in literal {literal.decode()} (expecting '{chr(expected)}')"
                    raise _character(body, position + offset, words)
            return position + len(literal), 0
    raise _character(body, position, "looking for beginning of value")


def _string(body: bytes, position: int) -> int:
    position += 1
    while position < len(body):
        byte = body[position]
        if byte == 0x22:
            return position + 1
        if byte < 0x20:
            raise _character(body, position, "in string literal")
        if byte == 0x5C:
            position += 1
            if position >= len(body):
                break
            if body[position] == 0x75:
                for _ in range(4):
                    position += 1
                    if position >= len(body) or not _HEX.match(body, position):
                        raise _character(body, position, r"in \u hexadecimal character escape")
            elif body[position] not in b'bfnrt\\/"':
                raise _character(body, position, "in string escape code")
        position += 1
    raise _Wrong(END)


def _digits(body: bytes, position: int, context: str) -> int:
    start = position
    while position < len(body) and 0x30 <= body[position] <= 0x39:
        position += 1
    if position == start:
        raise _character(body, position, context)
    return position


def _number(body: bytes, position: int) -> int:
    if body[position] == 0x2D:
        position += 1
    if body[position : position + 1] == b"0":
        position += 1
    else:
        position = _digits(body, position, "in numeric literal")
    if body[position : position + 1] == b".":
        position = _digits(body, position + 1, "after decimal point in numeric literal")
    if body[position : position + 1] in (b"e", b"E"):
        position += 2 if body[position + 1 : position + 2] in (b"+", b"-") else 1
        position = _digits(body, position, "in exponent of numeric literal")
    return position
