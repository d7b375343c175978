//! Temporary credentials of AWS for a token: `AssumeRoleWithWebIdentity` of STS, and the output of a
//! `credential_process`.

use std::time::Duration;

use oauthctl_core::port::{HttpRequest, HttpResponse, Method};
use oauthctl_core::profile::{Credential, Target};
use oauthctl_core::{Error, ErrorKind, Result, Timestamp, text};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::Issued;

/// Default lifetime of the credentials.
const USUAL: Duration = Duration::from_secs(3_600);

/// Cached credentials with a shorter remaining lifetime than this, or than a third of their lifetime, are
/// renewed. AWS programs request new ones 15 minutes before the old ones expire.
const SPARE: u64 = 900;

/// Default name of the session.
const SESSION: &str = "oauthctl";

/// Returns the lifetime of the credentials for these settings.
pub fn duration(settings: &Credential) -> Duration {
    settings.duration.unwrap_or(USUAL)
}

/// Returns the endpoint of STS: from the settings, else from the variables that AWS programs also read.
///
/// # Errors
///
/// Returns `Config` for an endpoint that is neither https nor on a loopback address, and for an invalid region.
pub fn endpoint(settings: &Credential, variable: impl Fn(&str) -> Option<String>) -> Result<Url> {
    let named = settings.endpoint.clone();
    let named = named.or_else(|| variable("AWS_ENDPOINT_URL_STS"));
    let named = named.or_else(|| variable("AWS_ENDPOINT_URL"));
    let invalid = |what: String| Error::config(format!("the endpoint of AWS STS {what}"));
    let url = match named {
        Some(url) => {
            let target = Target::parse(&url).map_err(&invalid)?;
            if !target.is_url() || target.is_plain() && !target.is_loopback() {
                return Err(invalid("must be an https URL".to_owned()));
            }
            url
        }
        None => match variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
            Some(region) => {
                let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                if region.is_empty() || region.len() > 32 || !region.chars().all(is_part) {
                    return Err(Error::config("AWS_REGION is not the name of a region"));
                }
                let china = if region.starts_with("cn-") { ".cn" } else { "" };
                format!("https://sts.{region}.amazonaws.com{china}/")
            }
            None => "https://sts.amazonaws.com/".to_owned(),
        },
    };
    Url::parse(&url).map_err(|_| invalid("must be a URL".to_owned()))
}

/// Builds the request. It is not signed: the token is the proof.
pub fn request(url: Url, settings: &Credential, token: &Issued) -> HttpRequest {
    let session = settings.role_session_name.as_deref().unwrap_or(SESSION);
    let mut form = Url::parse("form:").ok();
    let seconds = duration(settings).as_secs().to_string();
    if let Some(form) = &mut form {
        form.query_pairs_mut()
            .append_pair("Action", "AssumeRoleWithWebIdentity")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", settings.role_arn.as_deref().unwrap_or_default())
            .append_pair("RoleSessionName", session)
            .append_pair("DurationSeconds", &seconds)
            .append_pair("WebIdentityToken", token.value.expose());
    }
    let body = form.as_ref().and_then(Url::query).unwrap_or_default().as_bytes().to_vec();
    let form_type = "application/x-www-form-urlencoded; charset=utf-8";
    HttpRequest {
        purpose: "request for AWS credentials",
        method: Method::Post,
        url,
        headers: vec![
            ("accept".to_owned(), "text/xml".to_owned()),
            ("content-type".to_owned(), form_type.to_owned()),
        ],
        body: Zeroizing::new(body),
    }
}

/// Parses the response, and returns what a `credential_process` prints.
///
/// # Errors
///
/// Returns `ServerRefused` for a refusal, `Unavailable` for a failure of the service, and `Validation` for a response
/// without credentials.
pub fn parse(response: &HttpResponse) -> Result<Value> {
    let body = String::from_utf8_lossy(&response.body);
    match response.status {
        200 => {}
        status @ (429 | 500..) => {
            return Err(Error::unavailable(format!("AWS STS returned status {status}")));
        }
        status => {
            let said = |name| element(&body, name).map(|said| text::one_line(&said));
            let code = said("Code").unwrap_or_else(|| format!("status {status}"));
            let message = said("Message").map_or_else(String::new, |said| format!(": {said}"));
            let what = format!("AWS STS refused the token: {code}{message}");
            return Err(Error::new(ErrorKind::ServerRefused, what).hint(
                "the role must trust the issuer, the audience and the subject of the token",
            ));
        }
    }
    let credentials = between(&body, "Credentials").unwrap_or_default();
    let value = |name: &str| {
        element(credentials, name)
            .filter(|value| !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic()))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Validation,
                    format!("the response of AWS STS has no `{name}`"),
                )
            })
    };
    Ok(json!({
        "Version": 1,
        "AccessKeyId": value("AccessKeyId")?,
        "SecretAccessKey": value("SecretAccessKey")?,
        "SessionToken": value("SessionToken")?,
        "Expiration": value("Expiration")?,
    }))
}

/// Renders credentials for the cache, with the grant that they came from.
pub fn kept(credentials: &Value, grant_id: &str, until: Timestamp) -> Zeroizing<String> {
    let kept = json!({ "grant_id": grant_id, "until": until.unix(), "credentials": credentials });
    Zeroizing::new(kept.to_string())
}

/// Returns cached credentials that can still be used: from this grant, and with enough remaining lifetime.
pub fn reusable(kept: &str, grant_id: &str, life: Duration, now: Timestamp) -> Option<Value> {
    let mut kept: Value = serde_json::from_str(kept).ok()?;
    let until = Timestamp::from_unix(kept["until"].as_u64()?);
    let spare = Duration::from_secs(SPARE.min(life.as_secs() / 3));
    let is_of_grant = kept["grant_id"] == grant_id;
    (is_of_grant && until.remaining(now) > spare).then(|| kept["credentials"].take())
}

/// Returns the name under which the credentials of these settings are cached.
pub fn name(settings: &Credential, endpoint: &Url, account: &str) -> String {
    let role = settings.role_arn.as_deref().unwrap_or_default();
    let session = settings.role_session_name.as_deref().unwrap_or(SESSION);
    let seconds = duration(settings).as_secs();
    json!(["aws", endpoint.as_str(), account, role, session, seconds]).to_string()
}

/// Returns the text between the first tags of this name.
fn between<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}

fn element(xml: &str, name: &str) -> Option<String> {
    let inner = between(xml, name)?.trim();
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(entities.iter().fold(inner.to_owned(), |text, (from, to)| text.replace(from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> HttpResponse {
        HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec().into() }
    }

    const CREDENTIALS: &str = "<R><Credentials><AccessKeyId>ASIA1</AccessKeyId>\
        <SecretAccessKey>a/b+c&amp;d</SecretAccessKey><SessionToken>t</SessionToken>\
        <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></R>";

    #[test]
    fn credentials_are_read_from_the_response() {
        let read = parse(&response(200, CREDENTIALS)).unwrap();
        assert_eq!(read["SecretAccessKey"], "a/b+c&d");
        assert_eq!((&read["Version"], &read["AccessKeyId"]), (&json!(1), &json!("ASIA1")));
        for body in [
            "",
            "<Credentials>",
            &CREDENTIALS.replace("ASIA1", ""),
            &CREDENTIALS.replace("ASIA1", "a\nb"),
        ] {
            assert_eq!(parse(&response(200, body)).unwrap_err().kind(), ErrorKind::Validation);
        }
    }

    #[test]
    fn refusal_is_told_from_a_failure() {
        let refusal =
            "<E><Error><Code>InvalidIdentityToken</Code><Message>no\u{1b}[m</Message></Error></E>";
        let error = parse(&response(400, refusal)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ServerRefused);
        assert!(error.message().ends_with("InvalidIdentityToken: no [m"), "{error}");
        for status in [429, 500, 503] {
            assert_eq!(parse(&response(status, "")).unwrap_err().kind(), ErrorKind::Unavailable);
        }
    }

    #[test]
    fn endpoint_is_https_or_loopback() {
        let settings = Credential::default();
        let of = |name: &'static str, value: &'static str| {
            endpoint(&settings, move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(of("", "").unwrap().as_str(), "https://sts.amazonaws.com/");
        let region = of("AWS_REGION", "eu-central-1").unwrap();
        assert_eq!(region.as_str(), "https://sts.eu-central-1.amazonaws.com/");
        assert!(of("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:5000").is_ok());
        for (name, value) in [
            ("AWS_ENDPOINT_URL_STS", "http://sts.example"),
            ("AWS_ENDPOINT_URL", "sts.example"),
            ("AWS_REGION", "evil.example/"),
            ("AWS_REGION", "a@b"),
        ] {
            assert!(of(name, value).is_err(), "{name} {value}");
        }
    }

    #[test]
    fn kept_credentials_belong_to_a_grant_and_a_time() {
        let at = Timestamp::from_unix;
        let kept = kept(&json!({ "a": 1 }), "g", at(10_000));
        let life = Duration::from_secs(3_600);
        assert_eq!(reusable(&kept, "g", life, at(9_000)), Some(json!({ "a": 1 })));
        assert_eq!(reusable(&kept, "h", life, at(9_000)), None);
        assert_eq!(reusable(&kept, "g", life, at(9_200)), None);
        assert_eq!(reusable("{", "g", life, at(9_000)), None);
    }
}
