//! What Prometheus reads.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oauthctl_sandbox::SandboxOptions;
use serde_json::json;

use crate::support::{Answer, Broker, Home, provider, provider_with, start_broker};

/// The value of a sample, which has these words in its line.
fn value(text: &str, words: &[&str]) -> Option<f64> {
    let mut samples = text.lines().filter(|line| !line.starts_with('#'));
    let line = samples.find(|line| words.iter().all(|word| line.contains(word)));
    line?.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_refreshes_and_messages() {
    let options = SandboxOptions { access_ttl: Duration::from_secs(5), ..Default::default() };
    let sandbox = provider_with(options).await;
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme-inc", &[]));
    // Nobody listens there.
    let hook = json!({ "url": "http://127.0.0.1:9/" });
    api.put("/v1/webhooks/all", &hook).await.json(201);
    api.provide("sandbox", &sandbox.issuer_with("rotate")).await;
    api.provide("failing", &sandbox.issuer_with("refresh-500")).await;
    api.connect("sandbox", "user-7").await;
    api.connect("failing", "user-7").await;
    api.token("sandbox", "user-7").await.json(200);
    api.token("sandbox", "user-7").await.json(200);
    api.get("/v1/connections/sandbox/user-8").await.problem(404);
    let until = Instant::now() + Duration::from_secs(60);
    let text = loop {
        let text = broker.api("").get("/metrics").await.text;
        let refreshed = value(&text, &["refreshes_total{provider=\"other\",outcome=\"success\"}"]);
        let failed = value(&text, &["refreshes_total{provider=\"other\",outcome=\"unavailable\"}"]);
        if refreshed >= Some(1.0) && failed >= Some(1.0) {
            break text;
        }
        assert!(Instant::now() < until, "{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let requests = |route: &str, class: &str| {
        value(&text, &["http_requests_total{", &format!("route=\"{route}\""), class])
    };
    assert!(requests("/v1/connections/{provider}/{user}/token", "2xx") >= Some(2.0), "{text}");
    assert_eq!(requests("/v1/connections/{provider}/{user}", "4xx"), Some(1.0), "{text}");
    assert!(value(&text, &["refresh_duration_seconds_count"]) >= Some(2.0), "{text}");
    assert!(value(&text, &["webhook_messages_outstanding "]) >= Some(2.0), "{text}");
    assert_eq!(value(&text, &["broker_store_up "]), Some(1.0), "{text}");
    for private in ["acme", "user-7", "user-8"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

#[tokio::test]
async fn unknown_paths_and_providers_add_no_series() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    for number in 0..20 {
        api.provide(&format!("p{number}"), sandbox.issuer()).await;
        api.get(&format!("/x{number}")).await.problem(404);
        api.get(&format!("/v1/providers/q{number}")).await.problem(404);
    }
    let text = api.get("/metrics").await.text;
    let series = text.lines().filter(|line| line.contains("http_requests_total{")).count();
    assert!(series < 10, "{text}");
    assert_eq!(value(&text, &["route=\"none\"", "4xx"]), Some(20.0), "{text}");
}

#[tokio::test]
async fn metrics_of_a_public_broker_need_a_key() {
    let home = Home::new();
    let outside = ["--listen", "127.0.0.1:0", "--public-url", "https://b.example"];
    let mut command = home.command(&["serve"]);
    let broker = Broker::start(command.args(outside));
    broker.api("").get("/metrics").await.problem(401);
    broker.api(&home.tenant("acme", &[])).get("/metrics").await.problem(401);
    drop(broker);
    let broker = home.serve(&["--behind-proxy"]);
    broker.api("").get("/metrics").await.problem(401);
    drop(broker);
    let mut command = home.command(&["serve"]);
    command.args(outside).env("OAUTHCTL_METRICS_KEY", "the-key-of-prometheus");
    let broker = Broker::start(&mut command);
    for wrong in ["", "the-key-of-prometheu", "THE-KEY-OF-PROMETHEUS"] {
        broker.api(wrong).get("/metrics").await.problem(401);
    }
    assert_eq!(broker.api("the-key-of-prometheus").get("/metrics").await.status, 200);
}

/// Prints the families of a text, with the number of their samples.
const PARSER: &str = "\
import sys
from prometheus_client.parser import text_string_to_metric_families as families
for family in families(sys.stdin.read()):
    assert family.documentation and family.type != 'unknown', family
    assert all(s.name.startswith('oauthctl_broker_') for s in family.samples), family
    print(family.name, family.type)
";

/// The metrics of a broker that has done something.
async fn metrics() -> Answer {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    api.get("/v1/connections/sandbox/u-1/token?min_ttl=2h").await.json(200);
    let text = api.get("/metrics").await;
    assert!(text.text.contains("refreshes_total{provider"), "{}", text.text);
    text
}

#[tokio::test]
async fn lint_of_prometheus_finds_nothing() {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = metrics().await.text;
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let found = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && found.is_empty(), "{}", String::from_utf8_lossy(&found));
}

#[tokio::test]
async fn parser_of_prometheus_reads_the_metrics() {
    let text = metrics().await;
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers");
    let mut python = Command::new(servers.join(".venv-prometheus/bin/python"))
        .args(["-c", PARSER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(text.text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text.text);
    let families = String::from_utf8(output.stdout).unwrap();
    let expected = [
        "oauthctl_broker_http_requests counter",
        "oauthctl_broker_refreshes counter",
        "oauthctl_broker_refresh_duration_seconds histogram",
        "oauthctl_broker_token_files_unopened gauge",
        "oauthctl_broker_records_unreadable gauge",
        "oauthctl_broker_refreshes_pending gauge",
        "oauthctl_broker_refreshes_stuck gauge",
        "oauthctl_broker_webhook_messages_outstanding gauge",
        "oauthctl_broker_store_up gauge",
    ];
    assert_eq!(families.lines().collect::<Vec<_>>(), expected);
}
