"""The kinds of the group networking.k8s.io. Source: kubernetes/pkg/apis/networking/{v1,validation}."""
