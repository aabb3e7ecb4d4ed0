"""The kinds of the group storage.k8s.io. Source: kubernetes/pkg/apis/storage/{v1,validation}."""
