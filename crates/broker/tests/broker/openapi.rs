//! The OpenAPI document against what the broker does.

use std::path::Path;
use std::process::Command;

use crate::support::{Home, provider};

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_difference_to_the_document() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = home.serve(&[]);
    let key = home.tenant("acme", &[]);
    let api = broker.api(&key);
    // The names that its generators try first.
    api.provide("0", sandbox.issuer()).await;
    api.connect("0", "0").await;
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers");
    let output = Command::new(servers.join(".venv-schemathesis/bin/schemathesis"))
        .args(["run", &format!("{}/openapi.json", broker.url), "--max-examples", "20"])
        .args(["--header", &format!("Authorization: Bearer {key}")])
        // What a provider needs depends on its other keys, which a schema cannot say.
        .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--phases", "coverage,fuzzing", "--seed", "1", "--no-color"])
        .current_dir(home.path())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(!broker.log().contains("panicked"), "{}", broker.log());
}
