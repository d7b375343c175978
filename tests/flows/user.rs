//! What these tests share: one server of each kind for the whole binary, and a user whose browser is faster
//! than the scripted one and who transfers callbacks manually.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use url::Url;

use crate::support::{
    DEADLINE, Home, Hostile, OidcProvider, Output, Reply, Running, Servers, http,
};

// Never dropped: the servers end with this process, whose end closes their stdin.
static HOSTILE: LazyLock<Hostile> = LazyLock::new(Servers::hostile);
static PROVIDER: LazyLock<OidcProvider> = LazyLock::new(Servers::oidc_provider);

/// The hostile server. A scenario with its own tag belongs to one test.
pub fn hostile() -> &'static Hostile {
    &HOSTILE
}

/// The strict server. Its counters include the requests of all tests.
pub fn provider() -> &'static OidcProvider {
    &PROVIDER
}

/// Requests a URL without following redirects; `None` if there is no response.
pub fn visit(url: &str) -> Option<Reply> {
    let url = Url::parse(url).unwrap_or_else(|error| panic!("{error}: {url}"));
    if url.scheme() == "https" {
        return visit_over_tls(&url);
    }
    http::get(url.as_str())
}

/// The same for the hostile server's listeners with a valid certificate, whatever their names resolve to.
fn visit_over_tls(url: &Url) -> Option<Reply> {
    let authority = reqwest::Certificate::from_pem(hostile().ca.as_bytes()).unwrap();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, url.port().unwrap()));
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .resolve(url.host_str().unwrap(), here)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(DEADLINE)
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = client.get(url.clone()).send().await.ok()?;
        let status = answer.status().as_u16();
        let lines = answer.headers().iter();
        let headers = lines.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        Some(Reply { status, headers, body: answer.text().await.ok()? })
    })
}

/// Follows the authorization URL to the callback URL, as the server wrote it.
#[track_caller]
pub fn callback(authorization_url: &str) -> String {
    let page = visit(authorization_url).expect("the server answers");
    let location = page.header("location").map(str::to_owned);
    location.unwrap_or_else(|| panic!("no redirect from {authorization_url}: {page:?}"))
}

/// The parameters of a URL; each may occur once.
#[track_caller]
pub fn parameters(url: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in Url::parse(url).unwrap().query_pairs() {
        let before = all.insert(name.clone().into_owned(), value.into_owned());
        assert_eq!(before, None, "{name} twice in {url}");
    }
    all
}

/// The URL that the program asks the user to open.
#[track_caller]
pub fn url_to_open(running: &mut Running) -> String {
    running.await_stderr(|text| {
        let (_, after) = text.split_once("Open this URL in a browser:\n\n  ")?;
        let (url, _) = after.split_once('\n')?;
        Some(url.to_owned())
    })
}

/// Starts a login whose URL the user opens, with a listener that receives the callback.
#[track_caller]
pub fn listening(home: &Home, args: &[&str]) -> (Running, String) {
    let mut running = home.spawn([&["login", "--no-browser"], args].concat());
    let url = url_to_open(&mut running);
    (running, url)
}

/// Makes `p` a profile of this scenario on a listener over TLS; `more` is further lines.
pub fn profile_over_tls(home: &Home, listener: &str, scenario: &str, more: &str) {
    let file = home.path("ca.pem");
    home.write(&file, &hostile().ca);
    let more = format!("ca_file = {:?}\n{more}", file.to_str().unwrap());
    home.config("");
    home.profile("p", &hostile().issuer_at(listener, scenario), "cli", &more);
}

/// A device authorization endpoint, which the metadata of the hostile server lacks.
pub const WITH_DEVICE: &str = "device_authorization_endpoint = \"http://127.0.0.1:7/device\"\n";

/// Scopes with which the server answers with an id_token.
pub const OPENID: &str = "scopes = [\"openid\", \"api\"]\n";

/// A home with the profile `p` of this scenario, for logins with a listener.
pub fn home(scenario: &str) -> Home {
    let home = Home::new();
    profile(&home, scenario, "scopes = [\"api\"]\n");
    home
}

/// Makes `p` the profile of this scenario, and of no other; `more` is further lines.
pub fn profile(home: &Home, scenario: &str, more: &str) {
    home.config("");
    home.profile("p", &hostile().issuer(scenario), "cli", more);
}

/// A redirect URI for logins by paste: the hostile server requires a port, and nothing listens on this one.
pub const PASTED: &str = "redirect_uri = \"http://127.0.0.1:7/callback\"\n";

/// The same for logins by paste.
pub fn pasting(home: &Home, scenario: &str, more: &str) {
    profile(home, scenario, &format!("{PASTED}{more}"));
}

/// Starts a login, follows its URL, and pastes the callback through a pipe. Everything is traced.
#[track_caller]
pub fn begin_paste(home: &Home) -> Running {
    let mut running = home.spawn(["login", "p", "--flow", "paste", "--no-browser", "--trace"]);
    let url = url_to_open(&mut running);
    running.write(&format!("{}\n", callback(&url)));
    running
}

/// The same to its end, whatever that is.
#[track_caller]
pub fn paste(home: &Home) -> Output {
    begin_paste(home).wait()
}

/// The error and its hint, which are the last lines of a failed program.
#[track_caller]
pub fn error(output: &Output) -> &str {
    let lines = format!("\n{}", output.stderr);
    let at = lines.rfind("\nerror: ").unwrap_or_else(|| panic!("no error in {}", output.stderr));
    &output.stderr[at..]
}

/// Whether a text can neither control a terminal nor mislead its reader.
pub fn harmless(text: &str) -> bool {
    let misleads = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().all(|c| c == '\n' || !(c.is_control() || misleads(c)))
}
