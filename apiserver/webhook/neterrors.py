"""Why an HTTPS call failed, in the words of Go's net, crypto/tls and net/http, which users of kubectl know."""

import errno
import ssl

import aiohttp

DEADLINE = "context deadline exceeded"

_CONNECT = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "network is unreachable",
    errno.ETIMEDOUT: "connection timed out",
}
# OpenSSL's codes (X509_V_ERR_*).
_EXPIRED = (9, 10)
_UNKNOWN_AUTHORITY = (18, 19, 20, 21)
_WRONG_NAME = (62, 64)


def words(error: BaseException, server_name: str = "") -> str:
    """`server_name` is what the server's certificate should have named."""
    match error:
        case TimeoutError():
            return DEADLINE
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {error.host}: no such host"
        case aiohttp.ClientConnectorCertificateError():
            return _certificate(error.certificate_error, server_name)
        case aiohttp.ClientConnectorSSLError():
            return "tls: first record does not look like a TLS handshake"
        case aiohttp.ClientConnectorError():
            host = f"[{error.host}]" if ":" in error.host else error.host
            why = _CONNECT.get(error.os_error.errno or 0, str(error.os_error).lower())
            return f"dial tcp {host}:{error.port}: connect: {why}"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case aiohttp.ClientPayloadError():
            return "unexpected EOF"
        case ConnectionResetError() | aiohttp.ClientOSError():
            return "read: connection reset by peer"
        case _:
            return str(error) or type(error).__name__


def _certificate(error: BaseException, server_name: str) -> str:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    if code in _EXPIRED:
        why = "x509: certificate has expired or is not yet valid"
    elif code in _UNKNOWN_AUTHORITY:
        why = "x509: certificate signed by unknown authority"
    elif code in _WRONG_NAME:
        why = f"x509: certificate is not valid for {server_name}"
    else:
        why = f"x509: {error}"
    return f"tls: failed to verify certificate: {why}"
