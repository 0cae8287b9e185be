//! The manifests of `deploy/kubernetes`: valid, and one fits the other.

use serde_json::Value;
use testbed::tools;

use crate::rules::root;

fn manifest(name: &str) -> Value {
    let path = root().join("deploy/kubernetes").join(name);
    let text = std::fs::read_to_string(path).expect("it is there");
    serde_saphyr::from_str(&text).expect("it is YAML")
}

#[test]
fn manifests_follow_the_schemas_of_kubernetes() {
    let tool = testbed::require!(tools::kubernetes_validate());
    for name in ["deployment.yaml", "service.yaml"] {
        let path = root().join("deploy/kubernetes").join(name);
        let mut command = tool.command();
        let output = command.args(["-m", "kubernetes_validate", "--strict"]).arg(path).output();
        let output = output.expect("python runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
    }
}

/// No registry has the schemas of the operator, so the fields are compared with its documentation.
#[test]
fn monitors_find_the_pods_and_their_port() {
    let (deployment, service) = (manifest("deployment.yaml"), manifest("service.yaml"));
    let template = &deployment["spec"]["template"];
    let labels = &template["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&service["spec"]["selector"], labels);
    let container = &template["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["name"], service["spec"]["ports"][0]["targetPort"]);

    let by_service = manifest("servicemonitor.yaml");
    let by_pod = manifest("podmonitor.yaml");
    let found_by = [&service["metadata"]["labels"], labels];
    let ports = [&service["spec"]["ports"][0]["name"], &container["ports"][0]["name"]];
    let monitors = [
        (&by_service, "ServiceMonitor", "endpoints"),
        (&by_pod, "PodMonitor", "podMetricsEndpoints"),
    ];
    for (((monitor, kind, endpoints), labels), port) in
        monitors.into_iter().zip(found_by).zip(ports)
    {
        assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
        assert_eq!(monitor["kind"], kind);
        let spec = monitor["spec"].as_object().expect("fields");
        let fields: Vec<_> = spec.keys().map(String::as_str).collect();
        assert_eq!(fields, ["jobLabel", "selector", endpoints], "{kind}");
        assert_eq!(&spec["selector"]["matchLabels"], labels, "{kind}");
        assert!(labels.get(spec["jobLabel"].as_str().expect("a key")).is_some(), "{kind}");
        let endpoint = spec[endpoints][0].as_object().expect("fields");
        let fields: Vec<_> = endpoint.keys().map(String::as_str).collect();
        assert_eq!(fields, ["port", "path", "interval", "scrapeTimeout"], "{kind}");
        assert_eq!(&endpoint["port"], port, "{kind}");
        assert_eq!(endpoint["path"], "/metrics", "{kind}");
    }
}

#[test]
fn probes_ask_what_they_are_for() {
    let deployment = manifest("deployment.yaml");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let path = |probe: &str| container[probe]["httpGet"]["path"].clone();
    assert_eq!(path("livenessProbe"), "/health/live");
    assert_eq!(path("startupProbe"), "/health/live");
    assert_eq!(path("readinessProbe"), "/health/ready");
}
