"""The kinds of the group apps. Source: kubernetes/pkg/apis/apps/{v1,validation} and pkg/registry/apps."""
