"""What is wrong with a JSON text, in the words of Go's encoding/json.

`syntax_error` walks a text that another decoder has already refused, and finds the first byte that Go's scanner would
refuse. The states are those of the grammar: a value, an object's key, what follows a key, what follows a value.
"""

WHITESPACE = b" \t\r\n"
DIGITS = b"0123456789"
HEX = b"0123456789abcdefABCDEF"
ESCAPES = b'bfnrt\\/"'
LITERALS = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
MAX_DEPTH = 10_000

END = "unexpected end of JSON input"


class _Refused(Exception):
    """The scan ended; its text is the answer."""


def syntax_error(text: bytes) -> str:
    """The message for the first error in `text`, "" when it is well-formed JSON."""
    try:
        _Scanner(text).run()
    except _Refused as refused:
        return str(refused)
    return ""


def quote_char(byte: int) -> str:
    """One byte as Go's messages show it: 'x', '\\'', '\\n', '\\u00e9'."""
    if byte == ord("'"):
        return "'\\''"
    if byte == ord('"'):
        return "'\"'"
    named = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}
    if byte in named:
        return f"'{named[byte]}'"
    if byte < 0x20 or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    return f"'{chr(byte)}'"


class _Scanner:
    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.open: list[int] = []  # the closing brackets still owed

    def refuse(self, context: str) -> _Refused:
        if self.at >= len(self.text):
            return _Refused(END)
        return _Refused(f"invalid character {quote_char(self.text[self.at])} {context}")

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in WHITESPACE:
            self.at += 1

    def peek(self) -> int:
        return self.text[self.at] if self.at < len(self.text) else -1

    def run(self) -> None:
        self.value()
        while self.open:
            self.space()
            self.after_value()
        self.space()
        if self.at < len(self.text):
            raise self.refuse("after top-level value")

    def value(self) -> None:
        """A scalar to its end, or the opening of a container up to its first scalar."""
        while True:
            self.space()
            byte = self.peek()
            if byte not in b"{[" or byte < 0:
                self.scalar(byte)
                return
            self.at += 1
            self.open.append(ord("}") if byte == ord("{") else ord("]"))
            if len(self.open) > MAX_DEPTH:
                raise _Refused("exceeded max depth")
            self.space()
            if self.peek() == self.open[-1]:
                self.at += 1
                self.open.pop()
                return
            if byte == ord("{"):
                self.key()

    def after_value(self) -> None:
        closing = self.open[-1]
        byte = self.peek()
        if byte == closing:
            self.at += 1
            self.open.pop()
            return
        if byte != ord(","):
            raise self.refuse("after object key:value pair" if closing == ord("}") else "after array element")
        self.at += 1
        if closing == ord("}"):
            self.key()
        self.value()

    def key(self) -> None:
        self.space()
        if self.peek() != ord('"'):
            raise self.refuse("looking for beginning of object key string")
        self.string()
        self.space()
        if self.peek() != ord(":"):
            raise self.refuse("after object key")
        self.at += 1

    def scalar(self, byte: int) -> None:
        if byte == ord('"'):
            self.string()
        elif byte in LITERALS:
            self.literal(LITERALS[byte])
        elif byte == ord("-") or (byte >= 0 and byte in DIGITS):
            self.number()
        else:
            raise self.refuse("looking for beginning of value")

    def literal(self, word: bytes) -> None:
        for expected in word:
            if self.peek() != expected:
                raise self.refuse(f"in literal {word.decode()} (expecting {quote_char(expected)})")
            self.at += 1

    def digits(self, context: str) -> None:
        if self.peek() < 0 or self.peek() not in DIGITS:
            raise self.refuse(context)
        while self.peek() >= 0 and self.peek() in DIGITS:
            self.at += 1

    def number(self) -> None:
        if self.peek() == ord("-"):
            self.at += 1
        if self.peek() == ord("0"):
            self.at += 1
        else:
            self.digits("in numeric literal")
        if self.peek() == ord("."):
            self.at += 1
            self.digits("after decimal point in numeric literal")
        if self.peek() in (ord("e"), ord("E")):
            self.at += 1
            if self.peek() in (ord("+"), ord("-")):
                self.at += 1
            self.digits("in exponent of numeric literal")

    def string(self) -> None:
        self.at += 1
        while self.peek() != ord('"'):
            if self.peek() < 0x20:
                raise self.refuse("in string literal")
            if self.peek() == ord("\\"):
                self.escape()
            self.at += 1
        self.at += 1

    def escape(self) -> None:
        self.at += 1
        if self.peek() == ord("u"):
            for _ in range(4):
                self.at += 1
                if self.peek() < 0 or self.peek() not in HEX:
                    raise self.refuse("in \\u hexadecimal character escape")
        elif self.peek() < 0 or self.peek() not in ESCAPES:
            raise self.refuse("in string escape code")
