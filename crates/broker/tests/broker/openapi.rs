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
    // What fits the schema can still be refused: a cursor that no list returned, a provider without endpoints, or a
    // revision that has changed. A schema cannot say so.
    let settings = "[checks.positive_data_acceptance]\n\
         expected-statuses = [\"2xx\", \"400\", \"401\", \"403\", \"404\", \"412\"]\n";
    std::fs::write(home.path().join("schemathesis.toml"), settings).unwrap();
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers");
    let output = Command::new(servers.join(".venv-schemathesis/bin/schemathesis"))
        .args(["run", &format!("{}/openapi.json", broker.url), "--max-examples", "20"])
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .args(["--checks", "all", "--phases", "coverage,fuzzing", "--seed", "1", "--no-color"])
        .current_dir(home.path())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(!broker.log().contains("panicked"), "{}", broker.log());
}

#[tokio::test]
async fn every_operation_with_a_body_may_answer_408() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let document = broker.api("").get("/openapi.json").await.json(200);
    let mut count = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let timeout = &operation["responses"]["408"];
            let has_body = !operation["requestBody"].is_null();
            assert_eq!(has_body, !timeout.is_null(), "{method} {path}");
            if has_body {
                let schema = &timeout["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path}");
                count += 1;
            }
        }
    }
    assert!(count >= 6, "{count}");
}
