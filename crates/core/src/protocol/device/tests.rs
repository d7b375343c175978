use zeroize::Zeroizing;

use super::*;
use crate::error::ErrorKind;
use crate::port::HttpResponse;
use crate::time::Timestamp;

fn answer(status: u16, body: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let body = Zeroizing::new(body.as_bytes().to_vec());
    Answer::new(HttpResponse { status, headers, body }, Vec::new(), Timestamp::from_unix(0))
}

fn profile() -> Profile {
    let text = "[profiles.p]\nissuer = 'https://as.example'\nclient_id = 'c'\n";
    text.parse::<crate::profile::Config>().unwrap().profile("p").unwrap().clone()
}

/// A response with these members over the usual ones; `null` removes one.
fn reply(changes: &str) -> Result<DeviceReply> {
    let mut body = serde_json::json!({
        "device_code": "dc", "user_code": "ABCD-EFGH", "verification_uri": "https://as.example/device",
    });
    let changes: serde_json::Map<String, Value> = serde_json::from_str(changes).unwrap();
    body.as_object_mut().unwrap().extend(changes);
    read(&answer(200, &body.to_string()), &profile())
}

#[test]
fn device_reply_needs_both_codes_and_a_safe_page() {
    assert_eq!(reply("{}").unwrap().user_code, "ABCD-EFGH");
    for (good, uri) in [
        (r#"{"verification_uri": "http://127.0.0.1:7/d"}"#, "http://127.0.0.1:7/d"),
        (r#"{"verification_uri": "https://x.example/#/device"}"#, "https://x.example/#/device"),
        (
            r#"{"verification_uri": null, "verification_url": "https://g.example/d"}"#,
            "https://g.example/d",
        ),
    ] {
        assert_eq!(reply(good).unwrap().verification_uri, uri);
    }
    for bad in [
        r#"{"device_code": null}"#,
        r#"{"device_code": ""}"#,
        r#"{"device_code": "a\nb"}"#,
        r#"{"device_code": 7}"#,
        r#"{"user_code": null}"#,
        r#"{"user_code": "  "}"#,
        r#"{"user_code": "AB\u001b[31mCD"}"#,
        r#"{"user_code": "AB\u202eCD"}"#,
        r#"{"verification_uri": null}"#,
        r#"{"verification_uri": "http://as.example/device"}"#,
        r#"{"verification_uri": "javascript:alert(1)"}"#,
        r#"{"verification_uri": "https://user@as.example/device"}"#,
        r#"{"verification_uri": "https://as.example/\u001b[31m"}"#,
        r#"{"verification_uri": "https://as.example/#<b>"}"#,
        &format!(r#"{{"user_code": "{}"}}"#, "x".repeat(1024)),
    ] {
        let error = reply(bad).err().unwrap_or_else(|| panic!("{bad}"));
        assert_eq!(error.kind(), ErrorKind::Validation, "{bad}");
        assert!(error.message().chars().all(is_harmless), "{bad}: {}", error.message());
    }
    assert!(read(&answer(200, "<html>"), &profile()).is_err());
}

#[test]
fn complete_uri_of_another_server_is_not_used() {
    let complete = |uri: &str| {
        let changes = serde_json::json!({ "verification_uri_complete": uri }).to_string();
        reply(&changes).unwrap().verification_uri_complete
    };
    assert!(complete("https://as.example/device?user_code=ABCD-EFGH").is_some());
    for other in [
        "https://canary.example/device?user_code=X",
        "javascript:alert(1)",
        "http://as.example/",
        "",
    ] {
        assert_eq!(complete(other), None, "{other}");
    }
}

#[test]
fn times_that_are_no_positive_number_are_unknown() {
    let times = |expires: &str, interval: &str| {
        let reply =
            reply(&format!(r#"{{"expires_in": {expires}, "interval": {interval}}}"#)).unwrap();
        (reply.expires_in, reply.interval)
    };
    assert_eq!(times("900", "5"), (Some(Duration::from_secs(900)), Some(Duration::from_secs(5))));
    assert_eq!(
        times("\"900\"", "2.5"),
        (Some(Duration::from_secs(900)), Some(Duration::from_millis(2500)))
    );
    assert_eq!(times("0", "0"), (None, None));
    assert_eq!(times("-1", "-1"), (None, None));
    assert_eq!(times("null", "\"soon\""), (None, None));
    let (expires_in, interval) = times("1e300", "1e9");
    assert!(
        expires_in.is_some()
            && interval
                == Some(
                    Duration::from_secs(10 * 365 * 86_400).min(Duration::from_secs(1_000_000_000))
                )
    );
}

#[test]
fn code_of_a_poll_decides_whatever_the_status() {
    let kind = |status: u16, body: &str| match validate_poll(&answer(status, body)) {
        Poll::Pending => "pending",
        Poll::SlowDown(None) => "slow",
        Poll::SlowDown(Some(_)) => "slower",
        Poll::Expired(_) => "expired",
        Poll::Unanswered(_) => "unanswered",
        Poll::Decided => "decided",
    };
    for (status, body, meaning) in [
        (400, r#"{"error": "authorization_pending"}"#, "pending"),
        (200, r#"{"error": "authorization_pending", "error_description": "x"}"#, "pending"),
        (428, r#"{"error": "authorization_pending"}"#, "pending"),
        (400, r#"{"status": 400, "message": "authorization_pending"}"#, "pending"),
        (429, r#"{"error": "slow_down"}"#, "slow"),
        (200, r#"{"error": "slow_down", "interval": 10}"#, "slower"),
        (403, r#"{"error": "expired_token"}"#, "expired"),
        (503, "", "unanswered"),
        (429, "", "unanswered"),
        (500, r#"{"error": "server_error"}"#, "unanswered"),
        (400, r#"{"error": "access_denied"}"#, "decided"),
        (200, r#"{"access_token": "x"}"#, "decided"),
    ] {
        assert_eq!(kind(status, body), meaning, "{status} {body}");
    }
}
