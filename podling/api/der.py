"""What Go finds wrong with bytes that should be one ASN.1 sequence in DER. Pure. Source: Go's encoding/asn1."""

SEQUENCE = 0x30
CONSTRUCTED, LONG = 0x20, 0x80
SYNTAX = "asn1: syntax error: "
NO_PARAMETERS = (
    "{optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 "
    "timeType:0 set:false omitEmpty:false}"
)


def wrong_sequence(der: bytes, name: str) -> str:
    """ "" where the outermost frame is right; `name` is the type that Go reads it into."""
    if not der:
        return f"{SYNTAX}sequence truncated"
    if len(der) < 2:
        return f"{SYNTAX}truncated tag or length"
    length, start = der[1], 2
    if length & LONG:
        start += length & ~LONG
        if length == LONG:
            return f"{SYNTAX}indefinite length found (not DER)"
        if len(der) < start:
            return f"{SYNTAX}truncated tag or length"
        length = int.from_bytes(der[2:start], "big")
    if der[0] != SEQUENCE:
        compound = str(bool(der[0] & CONSTRUCTED)).lower()
        found = f"{{class:{der[0] >> 6} tag:{der[0] & 0x1F} length:{length} isCompound:{compound}}}"
        return f"asn1: structure error: tags don't match (16 vs {found}) {NO_PARAMETERS} {name} @{start}"
    if start + length > len(der):
        return f"{SYNTAX}data truncated"
    return f"{SYNTAX}trailing data" if start + length < len(der) else ""
