from tests.unit.apiserver.aggregation.servers import another_cluster, both, front

__all__ = ["another_cluster", "both", "front"]
