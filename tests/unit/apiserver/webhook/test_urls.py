"""URLs as Go reads them."""

import pytest

from apiserver.webhook.urls import wrong


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://x.example.com:8443/a/b?c#d", ""),
        ("https://u:p@[::1]:8443/", ""),
        ("https://x:99999/", ""),
        ("mailto:somebody", ""),
        ("just text", ""),
        ("", ""),
        ("https://a:b/", 'invalid port ":b" after host'),
        ("https://x y/", 'invalid character " " in host name'),
        ("https://[::1", "missing ']' in host"),
        ("https://x/%zz", 'invalid URL escape "%zz"'),
        ("%z", 'invalid URL escape "%z"'),
        ("https://x/#%", 'invalid URL escape "%"'),
        ("https://x/\n", "net/url: invalid control character in URL"),
        (":x", "missing protocol scheme"),
        ("1x:y/z", "first path segment in URL cannot contain colon"),
    ],
)
def test_what_is_wrong_is_told_in_gos_words(url: str, words: str) -> None:
    assert wrong(url) == words
