"""Custom resources, the pure half: what a CustomResourceDefinition's schema means.

    check_schema(props, path, status=…, old=…)      what is wrong with a schema itself          rules.py
    Structural(props, group=…, version=…, kind=…)    a schema, compiled:                          structural.py
        .schema         the Kind's `schema`: decoding (pruning, unknown and doubled fields), field ownership, OpenAPI
        .list_schema    the type of its lists, for OpenAPI
        .default(obj)                       Kind.default
        .revive(stored)                     a new object: pruned, repaired, defaulted; every read of the store
        .validate(new, old=None, between=())    errors in Kubernetes' words; `old`: what did not change is let pass;
                                            `between`: those of the scale subresource, which stand in the middle
        .spared(new, old)                   warnings: rules that may stay broken
    columns(definitions) → Kind.columns                                                           columns.py
    check_column(definition, path)                                                                columns.py
    selectable(definitions) → Kind.selectable;  check_selectable(definitions, props, path)        selectable.py
    check_subresources(subresources, path);  paths.get / paths.put of `.spec.replicas`            paths.py

A schema is the JSON of a JSONSchemaProps, as the CustomResourceDefinition holds it.
"""

import apiserver.kinds  # noqa: F401 (first: kinds import this package in turn)
