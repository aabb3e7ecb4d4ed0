"""Questions that the server answers and forgets: may somebody, who is somebody."""

from apiserver.kinds.kind import Kind
from apiserver.schema.load import schema


def _review(group: str, kind: str, plural: str, *, namespaced: bool = False) -> Kind:
    return Kind(
        group=group,
        version="v1",
        kind=kind,
        plural=plural,
        namespaced=namespaced,
        schema=schema(f"{group.partition('.')[0]}.v1.{kind}"),
        verbs=("create",),
        stored=False,
    )


SELF_SUBJECT_REVIEW = _review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews")
TOKEN_REVIEW = _review("authentication.k8s.io", "TokenReview", "tokenreviews")
LOCAL_SUBJECT_ACCESS_REVIEW = _review(
    "authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", namespaced=True
)
SELF_SUBJECT_ACCESS_REVIEW = _review("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews")
SELF_SUBJECT_RULES_REVIEW = _review("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews")
SUBJECT_ACCESS_REVIEW = _review("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews")
