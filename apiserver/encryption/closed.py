"""A value that could not be decrypted, and the words in which Kubernetes says so."""

from podling.api.errors import InternalError


class Closed(bytes):
    why: str = ""


def refusal(why: str, key: str = "") -> InternalError:
    """`key` where it is one of many."""
    words = f'unable to transform key "{key}": {why}' if key else why
    return InternalError(f"Internal error occurred: {words}", {"causes": [{"message": words}]})
