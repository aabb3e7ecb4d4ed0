"""Every kind that is served, in the order in which discovery lists groups and, in them, resources."""

from apiserver.crd.definition import CUSTOM_RESOURCE_DEFINITION
from apiserver.kinds.admissionregistration.mutating_admission_policy import MUTATING_ADMISSION_POLICY
from apiserver.kinds.admissionregistration.policy_binding import (
    MUTATING_ADMISSION_POLICY_BINDING,
    VALIDATING_ADMISSION_POLICY_BINDING,
)
from apiserver.kinds.admissionregistration.validating_admission_policy import VALIDATING_ADMISSION_POLICY
from apiserver.kinds.admissionregistration.webhook_configuration import (
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_WEBHOOK_CONFIGURATION,
)
from apiserver.kinds.apiregistration.api_service import API_SERVICE
from apiserver.kinds.apps.controller_revision import CONTROLLER_REVISION
from apiserver.kinds.apps.daemon_set import DAEMON_SET
from apiserver.kinds.apps.deployment import DEPLOYMENT
from apiserver.kinds.apps.replica_set import REPLICA_SET
from apiserver.kinds.apps.stateful_set import STATEFUL_SET
from apiserver.kinds.autoscaling.horizontal_pod_autoscaler import (
    HORIZONTAL_POD_AUTOSCALER,
    HORIZONTAL_POD_AUTOSCALER_V1,
)
from apiserver.kinds.batch.cron_job import CRON_JOB
from apiserver.kinds.batch.job import JOB
from apiserver.kinds.binding import BINDING
from apiserver.kinds.certificates.certificate_signing_request import CERTIFICATE_SIGNING_REQUEST
from apiserver.kinds.component_status import COMPONENT_STATUS
from apiserver.kinds.config_map import CONFIG_MAP
from apiserver.kinds.discovery.endpoint_slice import ENDPOINT_SLICE
from apiserver.kinds.endpoints import ENDPOINTS
from apiserver.kinds.event import EVENT
from apiserver.kinds.events.event import EVENTS_EVENT
from apiserver.kinds.flowcontrol.flow_schema import FLOW_SCHEMA
from apiserver.kinds.flowcontrol.priority_level import PRIORITY_LEVEL
from apiserver.kinds.kind import Kind
from apiserver.kinds.lease import LEASE
from apiserver.kinds.limit_range import LIMIT_RANGE
from apiserver.kinds.namespace import NAMESPACE
from apiserver.kinds.networking.ingress import INGRESS
from apiserver.kinds.networking.ingress_class import INGRESS_CLASS
from apiserver.kinds.networking.ip_address import IP_ADDRESS
from apiserver.kinds.networking.network_policy import NETWORK_POLICY
from apiserver.kinds.networking.service_cidr import SERVICE_CIDR
from apiserver.kinds.node import NODE
from apiserver.kinds.persistent_volume import PERSISTENT_VOLUME
from apiserver.kinds.persistent_volume_claim import PERSISTENT_VOLUME_CLAIM
from apiserver.kinds.pod import POD
from apiserver.kinds.pod_template import POD_TEMPLATE
from apiserver.kinds.policy.pod_disruption_budget import POD_DISRUPTION_BUDGET
from apiserver.kinds.priority_class import PRIORITY_CLASS
from apiserver.kinds.replication_controller import REPLICATION_CONTROLLER
from apiserver.kinds.resource.device_class import DEVICE_CLASS
from apiserver.kinds.resource.resource_claim import RESOURCE_CLAIM
from apiserver.kinds.resource.resource_claim_template import RESOURCE_CLAIM_TEMPLATE
from apiserver.kinds.resource.resource_slice import RESOURCE_SLICE
from apiserver.kinds.resource_quota import RESOURCE_QUOTA
from apiserver.kinds.reviews import (
    LOCAL_SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_REVIEW,
    SELF_SUBJECT_RULES_REVIEW,
    SUBJECT_ACCESS_REVIEW,
    TOKEN_REVIEW,
)
from apiserver.kinds.role_bindings import CLUSTER_ROLE_BINDING, ROLE_BINDING
from apiserver.kinds.roles import CLUSTER_ROLE, ROLE
from apiserver.kinds.runtime_class import RUNTIME_CLASS
from apiserver.kinds.secret import SECRET
from apiserver.kinds.service import SERVICE
from apiserver.kinds.service_account import SERVICE_ACCOUNT
from apiserver.kinds.storage.csi_driver import CSI_DRIVER
from apiserver.kinds.storage.csi_node import CSI_NODE
from apiserver.kinds.storage.csi_storage_capacity import CSI_STORAGE_CAPACITY
from apiserver.kinds.storage.storage_class import STORAGE_CLASS
from apiserver.kinds.storage.volume_attachment import VOLUME_ATTACHMENT
from apiserver.kinds.storage.volume_attributes_class import VOLUME_ATTRIBUTES_CLASS

KINDS: tuple[Kind, ...] = (
    # apiextensions.k8s.io
    CUSTOM_RESOURCE_DEFINITION,
    # core
    BINDING,
    COMPONENT_STATUS,
    CONFIG_MAP,
    ENDPOINTS,
    EVENT,
    LIMIT_RANGE,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    PERSISTENT_VOLUME,
    POD,
    POD_TEMPLATE,
    REPLICATION_CONTROLLER,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    # apiregistration.k8s.io
    API_SERVICE,
    # admissionregistration.k8s.io
    MUTATING_ADMISSION_POLICY,
    MUTATING_ADMISSION_POLICY_BINDING,
    MUTATING_WEBHOOK_CONFIGURATION,
    VALIDATING_ADMISSION_POLICY,
    VALIDATING_ADMISSION_POLICY_BINDING,
    VALIDATING_WEBHOOK_CONFIGURATION,
    # apps
    CONTROLLER_REVISION,
    DAEMON_SET,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    # authentication.k8s.io
    SELF_SUBJECT_REVIEW,
    TOKEN_REVIEW,
    # authorization.k8s.io
    LOCAL_SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_ACCESS_REVIEW,
    SELF_SUBJECT_RULES_REVIEW,
    SUBJECT_ACCESS_REVIEW,
    # autoscaling
    HORIZONTAL_POD_AUTOSCALER,
    HORIZONTAL_POD_AUTOSCALER_V1,
    # batch
    CRON_JOB,
    JOB,
    # certificates.k8s.io
    CERTIFICATE_SIGNING_REQUEST,
    # coordination.k8s.io
    LEASE,
    # node.k8s.io
    RUNTIME_CLASS,
    # discovery.k8s.io
    ENDPOINT_SLICE,
    # flowcontrol.apiserver.k8s.io
    FLOW_SCHEMA,
    PRIORITY_LEVEL,
    # events.k8s.io
    EVENTS_EVENT,
    # networking.k8s.io
    INGRESS_CLASS,
    INGRESS,
    IP_ADDRESS,
    NETWORK_POLICY,
    SERVICE_CIDR,
    # policy
    POD_DISRUPTION_BUDGET,
    # rbac.authorization.k8s.io
    CLUSTER_ROLE_BINDING,
    CLUSTER_ROLE,
    ROLE_BINDING,
    ROLE,
    # resource.k8s.io
    DEVICE_CLASS,
    RESOURCE_CLAIM,
    RESOURCE_CLAIM_TEMPLATE,
    RESOURCE_SLICE,
    # scheduling.k8s.io
    PRIORITY_CLASS,
    # storage.k8s.io
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
    STORAGE_CLASS,
    VOLUME_ATTACHMENT,
    VOLUME_ATTRIBUTES_CLASS,
)

__all__ = ["KINDS", "Kind"]
