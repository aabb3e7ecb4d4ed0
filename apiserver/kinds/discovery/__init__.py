"""The kinds of the group discovery.k8s.io. Source: kubernetes/pkg/apis/discovery/{v1,validation}."""
