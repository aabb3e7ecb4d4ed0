"""A merged object as its type holds it, or why it does not."""

from typing import Any

import pytest

from apiserver.patch.restore import restore
from apiserver.schema.load import schema
from apiserver.schema.shape import Mismatch

DEPLOYMENT, POD, SECRET = schema("apps.v1.Deployment"), schema("core.v1.Pod"), schema("core.v1.Secret")


def test_whole_floats_become_integers() -> None:
    found = {"spec": {"replicas": 3.0, "strategy": {"rollingUpdate": {"maxSurge": 2.0, "maxUnavailable": "25%"}}}}
    assert restore(found, DEPLOYMENT) is found
    surge = found["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
    assert (repr(found["spec"]["replicas"]), repr(surge)) == ("3", "2")


@pytest.mark.parametrize(
    ("value", "of", "words"),
    [
        ({"spec": {"replicas": 3.5}}, DEPLOYMENT, "cannot convert float64 to int32"),
        ({"spec": {"replicas": "3"}}, DEPLOYMENT, "unrecognized type: int32"),
        ({"spec": {"replicas": [1]}}, DEPLOYMENT, "unrecognized type: int32"),
        ({"spec": "x"}, DEPLOYMENT, "cannot restore struct from: string"),
        ({"metadata": {"labels": "x"}}, DEPLOYMENT, "cannot restore map from string"),
        ({"metadata": {"labels": {"a": 1}}}, DEPLOYMENT, "cannot convert int64 to string"),
        ({"spec": {"restartPolicy": 5}}, POD, "cannot convert int64 to v1.RestartPolicy"),
        ({"spec": {"restartPolicy": True}}, POD, "unrecognized type: string"),
        (
            {"spec": {"strategy": {"rollingUpdate": {"maxSurge": True}}}},
            DEPLOYMENT,
            "json: cannot unmarshal bool into Go value of type int32",
        ),
        (
            {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 1.5}}}},
            DEPLOYMENT,
            "json: cannot unmarshal number 1.5 into Go value of type int32",
        ),
        (
            {"metadata": {"deletionTimestamp": 5}},
            POD,
            "json: cannot unmarshal number into Go value of type string",
        ),
        ({"data": {"a": "!"}}, SECRET, "error decoding from json: illegal base64 data at input byte 0"),
        ({"data": {"a": 5}}, SECRET, "cannot restore slice from int64"),
    ],
)
def test_what_does_not_fit_is_told_in_the_words_of_the_converter(value: Any, of: Any, words: str) -> None:
    with pytest.raises(Mismatch) as caught:
        restore(value, of)
    assert str(caught.value) == words
