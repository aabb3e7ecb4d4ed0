"""The kinds of the group batch. Source: kubernetes/pkg/apis/batch/{v1,validation}."""
