"""Priority and fairness: no client, however greedy, keeps the others from being served.

    request ──▶ flows.py: its flow schema, and in it its flow ──▶ priority level
                                                                   ├─ exempt: served at once
                                                                   └─ limited: a seat is free ─▶ served
                                                                      else queues.py: a queue of the flow's hand
                                                                         (full, or the level has none: 429)
    a request ends ──▶ queues.py: the queue that has had least goes next

How many seats a level has is `seats.py`; `gate.py` is the door; `keeper.py` keeps the objects that must exist.
Source: k8s.io/apiserver/pkg/util/flowcontrol and KEP 1040.
"""
