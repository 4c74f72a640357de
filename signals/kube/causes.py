"""The causes the rules can name: what shows each, the question that would refute it, and where Kubernetes documents it.

``docs/kubernetes-rules.md`` is this table for readers. In ``refute``, ``{name}`` and ``{namespace}`` are the entity's.
Sources are paths of kubernetes.io/docs unless they name another.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. ``family`` is the module of ``signals.kube.rules`` that finds it."""

    family: str
    shows: str
    refute: str
    source: str


_SCHEDULING = "concepts/scheduling-eviction/"
_ASSIGN = _SCHEDULING + "assign-pod-node"
_PROBES = "tasks/configure-pod-container/configure-liveness-readiness-startup-probes"
_QUOTA = "concepts/policy/resource-quotas"
_VOLUMES = "concepts/storage/persistent-volumes"
_IMAGES = "concepts/containers/images"
_SERVICE = "concepts/services-networking/service"
_DEBUG_SERVICE = "tasks/debug/debug-application/debug-service"
_DNS = "concepts/services-networking/dns-pod-service"
_MYSQL = "dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html"

CAUSES: dict[str, Cause] = {
    # scheduling
    "insufficient_cpu": Cause("scheduling", "FailedScheduling: Insufficient cpu; the request exceeds what any allowed node has free",
                              "does kubectl describe nodes show an allowed node with that much CPU unrequested?", _SCHEDULING + "kube-scheduler"),
    "insufficient_memory": Cause("scheduling", "FailedScheduling: Insufficient memory; the request exceeds what any allowed node has free",
                                 "does kubectl describe nodes show an allowed node with that much memory unrequested?", _SCHEDULING + "kube-scheduler"),
    "insufficient_other": Cause("scheduling", "FailedScheduling: Too many pods, Insufficient ephemeral-storage or an extended resource",
                                "does kubectl describe nodes show an allowed node with that resource free?", _SCHEDULING + "kube-scheduler"),
    "node_selector": Cause("scheduling", "FailedScheduling: didn't match Pod's node affinity/selector, and no node carries the nodeSelector's labels",
                           "does kubectl get nodes -l with the pod's nodeSelector list a node?", _ASSIGN),
    "node_affinity": Cause("scheduling", "FailedScheduling: didn't match Pod's node affinity/selector, and no node meets the required node affinity",
                           "does a node carry labels that meet one term of the required node affinity?", _ASSIGN),
    "pod_affinity": Cause("scheduling", "FailedScheduling: didn't match pod affinity rules",
                          "does a pod that the affinity names run in an allowed topology domain?", _ASSIGN),
    "pod_anti_affinity": Cause("scheduling", "FailedScheduling: didn't match pod anti-affinity rules (or existing pods' anti-affinity rules)",
                               "is there a schedulable node without a pod that the anti-affinity names?", _ASSIGN),
    "topology_spread": Cause("scheduling", "FailedScheduling: didn't match pod topology spread constraints",
                             "would a node of the emptiest topology domain take the pod?", _SCHEDULING + "topology-spread-constraints"),
    "taint": Cause("scheduling", "FailedScheduling: had untolerated taint; the pod has no matching toleration",
                   "does the pod tolerate the taints of a node with room (kubectl describe node, Taints)?", _SCHEDULING + "taint-and-toleration"),
    "node_cordoned": Cause("scheduling", "FailedScheduling: were unschedulable; the nodes the pod may use are cordoned",
                           "does kubectl get nodes show a node the pod may use without SchedulingDisabled?", "concepts/architecture/nodes"),
    "host_port": Cause("scheduling", "FailedScheduling: didn't have free ports for the requested pod ports",
                       "is there an allowed node where no pod holds the hostPort?", _SCHEDULING + "kube-scheduler"),
    "pvc_missing": Cause("scheduling", "FailedScheduling: persistentvolumeclaim not found", "does kubectl get pvc -n {namespace} list the claim?", _VOLUMES),
    # storage
    "pv_occupied": Cause("storage", "the claim is Pending and the one volume that fits it is bound to another claim",
                         "does kubectl get pv show a fitting volume that is Available?", _VOLUMES + "#binding"),
    "pvc_access_mode": Cause("storage", "the claim is Pending and the volume that else fits lacks the access mode",
                             "does an Available volume offer all access modes of the claim?", _VOLUMES + "#access-modes"),
    "pvc_capacity": Cause("storage", "the claim is Pending and asks for more than the volume that else fits has",
                          "is there an Available volume at least as large as the claim?", _VOLUMES + "#binding"),
    "pvc_selector": Cause("storage", "the claim is Pending and its selector matches the labels of no volume that else fits",
                          "does kubectl get pv -l with the claim's selector list an Available volume?", _VOLUMES + "#selector"),
    "pvc_storage_class": Cause("storage", "the claim is Pending: its class does not exist, has no provisioner, or is not that of the volume that else fits",
                               "does the claim's class exist and provision, or does an Available volume carry the same class?", _VOLUMES + "#class"),
    "pvc_unbound": Cause("storage", "the claim is Pending and no volume or event says why",
                         "do the events of the claim, its class or its provisioner name another reason?", _VOLUMES + "#binding"),
    "volume_attach": Cause("storage", "FailedAttachVolume, Multi-Attach error, FailedMount",
                           "does the VolumeAttachment report attached: true on the pod's node?", "concepts/storage/volumes"),
    "volume_permission": Cause("storage", "the container's log says permission denied for a path below one of its mounts",
                               "may the container's user write below the mount (ls -ln of it against runAsUser, fsGroup)?",
                               "tasks/configure-pod-container/security-context"),
    # image
    "image_reference": Cause("image", "ErrImagePull: not found, manifest unknown, no such repository; InvalidImageName",
                             "does the registry list that repository and tag?", _IMAGES),
    "image_pull_secret": Cause("image", "FailedToRetrieveImagePullSecret, or the registry answers 401/403 and no pull secret exists",
                               "does the pull secret exist in {namespace}, and does the registry accept it?", _IMAGES + "#using-a-private-registry"),
    "registry_dns": Cause("image", "ErrImagePull: lookup of the registry's name failed",
                          "does the registry's name resolve on the pod's node?", _IMAGES),
    "registry_unreachable": Cause("image", "ErrImagePull: connection refused, i/o timeout, TLS failure towards the registry",
                                  "does a TCP connection from the node to the registry succeed?", _IMAGES),
    "registry_rate_limit": Cause("image", "ErrImagePull: toomanyrequests, 429", "does the same pull succeed with credentials or later?", _IMAGES),
    # admission
    "service_account_missing": Cause("admission", "FailedCreate: error looking up service account, not found",
                                     "does kubectl get serviceaccount -n {namespace} list it?", "concepts/security/service-accounts"),
    "quota_cpu": Cause("admission", "FailedCreate: exceeded quota, requested cpu over what is left",
                       "does kubectl describe quota -n {namespace} leave room for the CPU of the pod?", _QUOTA),
    "quota_memory": Cause("admission", "FailedCreate: exceeded quota, requested memory over what is left",
                          "does kubectl describe quota -n {namespace} leave room for the memory of the pod?", _QUOTA),
    "quota_pods": Cause("admission", "FailedCreate: exceeded quota, pods used = hard",
                        "does kubectl describe quota -n {namespace} show fewer pods than allowed?", _QUOTA),
    "quota_services": Cause("admission", "a quota's services are used up and a Service that others call does not exist",
                            "does kubectl describe quota -n {namespace} show fewer services than allowed?", _QUOTA),
    "quota_storage": Cause("admission", "exceeded quota for requests.storage or persistentvolumeclaims; a claim that a pod names does not exist",
                           "does kubectl describe quota -n {namespace} leave room for the claim?", _QUOTA),
    "quota_other": Cause("admission", "FailedCreate: exceeded quota for another resource, or must specify limits",
                         "does kubectl describe quota -n {namespace} leave room?", _QUOTA),
    "limit_range": Cause("admission", "FailedCreate: minimum/maximum usage per Container or Pod is …",
                         "do the container's resources lie within kubectl describe limitrange -n {namespace}?", "concepts/policy/limit-range"),
    "webhook_failing": Cause("admission", "FailedCreate: failed calling webhook; the webhook's service has no endpoints",
                             "does the webhook's service have ready endpoints and answer within its timeout?", "reference/access-authn-authz/extensible-admission-controllers"),
    "webhook_denied": Cause("admission", "FailedCreate: admission webhook denied the request",
                            "does a dry run of the pod pass admission (kubectl apply --dry-run=server)?", "reference/access-authn-authz/extensible-admission-controllers"),
    "pod_security": Cause("admission", "FailedCreate: violates PodSecurity",
                          "does a dry run of the pod pass at the namespace's enforce level?", "concepts/security/pod-security-admission"),
    # probes
    **{f"{probe}_{what}": Cause("probes", f"{probe} probe failed; {shows}", f"{asks}", _PROBES)
       for probe in ("liveness", "readiness", "startup")
       for what, shows, asks in (
           ("port", "its port is none that the container listens on", "does the container listen on the probed port (ss -ltn in the pod)?"),
           ("protocol", "it asks the right port in another protocol than the container speaks", "does the port answer that protocol (curl, grpc_health_probe)?"),
           ("path", "the right port answers with an HTTP error for the path", "does curl of the probed path answer 200 to 399?"),
           ("timing", "the right port and protocol, but it gives up before the container is up", "does the container answer within initialDelaySeconds + periodSeconds x failureThreshold?"),
           ("failing", "the program itself does not answer", "does the program answer on that port when asked by hand?"))},
    # configuration and secrets
    "secret_missing": Cause("config", "CreateContainerConfigError or FailedMount: secret not found, or a key of it",
                            "does kubectl get secret -n {namespace} list it, with that key?", "concepts/configuration/secret"),
    "configmap_missing": Cause("config", "CreateContainerConfigError or FailedMount: configmap not found, or a key of it",
                               "does kubectl get configmap -n {namespace} list it, with that key?", "concepts/configuration/configmap"),
    "env_address": Cause("config", "an environment variable names a service or port that does not exist",
                         "does the address in the environment of {name} resolve and accept connections?", _DEBUG_SERVICE),
    # databases
    "db_credentials": Cause("databases", "the database refuses the client's user or password",
                            "can a client log in with the credentials that {name} is given?", _MYSQL + "#error_er_access_denied_error"),
    "db_port": Cause("databases", "the client cannot connect to a database that serves others",
                     "is the port that {name} is given the one that the database's service listens on?", _MYSQL),
    "db_name": Cause("databases", "the database knows no database of that name", "does the database exist (SHOW DATABASES)?", _MYSQL),
    "db_connections": Cause("databases", "the database refuses new connections: too many",
                            "is the number of connections below the maximum (SHOW STATUS LIKE 'Threads_connected')?", _MYSQL + "#error_er_con_count_error"),
    "db_read_only": Cause("databases", "the database refuses writes: read-only", "does a write to {name} succeed (SELECT @@global.read_only)?",
                          _MYSQL + "#error_er_option_prevents_statement"),
    # routing and DNS
    "service_selector": Cause("routing", "the service selects no pod while pods of that name run",
                              "does kubectl get pods -n {namespace} -l with the service's selector list a pod?", _DEBUG_SERVICE),
    "service_port": Cause("routing", "targetPort is no port of the selected containers, or port none that clients use",
                          "does the pod listen on the service's targetPort?", _DEBUG_SERVICE),
    "service_protocol": Cause("routing", "the service's protocol or appProtocol is not that of the container's port",
                              "does the container listen on that port with the service's protocol?", _SERVICE + "#protocol-support"),
    "gateway_route": Cause("routing", "an Ingress, HTTPRoute, VirtualService or gateway configuration sends a route to a wrong service or port",
                           "does the route's backend exist, serve that path and listen on that port?", "concepts/services-networking/ingress"),
    "network_policy": Cause("routing", "a NetworkPolicy that selects the pods allows none of the callers",
                            "does a connection from a caller's pod succeed while the policy is in place?", "concepts/services-networking/network-policies"),
    "endpoints_empty": Cause("routing", "the service has no ready endpoint", "does kubectl get endpointslices list a ready address?", _DEBUG_SERVICE),
    "service_missing": Cause("routing", "a workload runs and is called by name, but no Service has that name",
                             "does kubectl get service -n {namespace} list it?", _DEBUG_SERVICE),
    "dns_resolution": Cause("routing", "names that exist do not resolve: in one workload (its DNS settings) or in all (CoreDNS)",
                            "does nslookup of the service succeed from a pod of {name}?", _DNS),
    # runtime
    "oom_killed": Cause("runtime", "OOMKilled, exit code 137, or the container's init was OOM-killed",
                        "does the working set stay below the memory limit of {name}?", "tasks/configure-pod-container/assign-memory-resource"),
    "zero_replicas": Cause("runtime", "spec.replicas is 0 for something that others call", "does {name} have replicas, or does nobody need it?",
                           "concepts/workloads/controllers/deployment"),
    "port_conflict": Cause("runtime", "two containers of one pod want the same port: address already in use",
                           "do the containers of the pod listen on different ports?", "concepts/workloads/pods#pod-networking"),
    "crash_loop": Cause("runtime", "a container exits again and again", "does the log of the previous container name another reason?",
                        "concepts/workloads/pods/pod-lifecycle#restart-policy"),
    "command_wrong": Cause("runtime", "RunContainerError or StartError: executable file not found, no such file or directory",
                           "does the image hold that command?", "tasks/inject-data-application/define-command-argument-container"),
    "evicted": Cause("runtime", "the kubelet evicted the pod", "does the node have the resource free again?", _SCHEDULING + "node-pressure-eviction"),
    # nodes and control plane
    "kubelet_down": Cause("nodes", "kubelet is not active, or the node is NotReady: Kubelet stopped posting node status",
                          "does systemctl status kubelet on {name} say active, and is the node's lease renewed?", "concepts/architecture/nodes#node-status"),
    "container_runtime_down": Cause("nodes", "containerd is not active, or the node is NotReady: container runtime is down, PLEG is not healthy",
                                    "does crictl info on {name} answer?", "setup/production-environment/container-runtimes"),
    "kube_proxy_down": Cause("nodes", "kube-proxy is not active on the node; service addresses fail from there",
                             "does a service's cluster IP answer from {name}?", "reference/networking/virtual-ips"),
    "scheduler_down": Cause("nodes", "kube-scheduler is not active; pods stay Pending without any scheduling event",
                            "do new pods get a Scheduled or FailedScheduling event, and is the scheduler's lease renewed?", _SCHEDULING + "kube-scheduler"),
    "node_not_ready": Cause("nodes", "the node's Ready condition is not True", "does kubectl describe node {name} say Ready?", "concepts/architecture/nodes#node-status"),
    "node_pressure": Cause("nodes", "DiskPressure, MemoryPressure or PIDPressure is True", "does the node's condition say False?",
                           _SCHEDULING + "node-pressure-eviction"),
    "node_network_delay": Cause("nodes", "many services of one node answer late, or wait for others, without using more CPU",
                                "is ping from another node to {name} as fast as before?", "tasks/debug/debug-cluster"),
    "node_packet_loss": Cause("nodes", "TCP retransmissions of one node rise, and its services answer late or fail",
                              "does ping to {name} lose no packets, and do its retransmissions stay as before?", "tasks/debug/debug-cluster"),
    # performance
    "pod_cpu": Cause("performance", "the pod uses far more CPU than before or is throttled at its limit",
                     "is its CPU time and its share of throttled periods as before?", "concepts/configuration/manage-resources-containers"),
    "pod_network_delay": Cause("performance", "the pod's answers and calls take longer without more CPU, and no callee explains it",
                               "is a ping to the pod's address as fast as to its neighbours?", "tasks/debug/debug-application/debug-service"),
}
"""Cause → what is known about it. Keys are OnCalm's words; benchmarks are mapped to them in ``evals``."""
