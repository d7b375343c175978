//! A web application whose three users connect their accounts through the broker.
//!
//! Its only page has a row for each user. "Connect" requests a link from the broker and redirects the browser to it.
//! "Call the API" gets a valid token from the broker and calls an API with it. "Disconnect" revokes the connection.
//! The application never sees a refresh token or a client secret.
//!
//! ```sh
//! oauthctl tenant create demo --allow-redirect http://127.0.0.1:8490/
//! oauthctl serve &
//! BROKER_URL=http://127.0.0.1:8700 BROKER_KEY=… PROVIDER=github API_URL=https://api.github.com/user \
//!     cargo run --example connected_accounts
//! ```
//!
//! Users of a real application sign in to it first. Here, anyone who opens the page acts as all three
//! users.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use reqwest::{Client, Method};
use serde_json::{Value, json};

const USERS: [&str; 3] = ["ada", "brook", "chen"];

/// The application, with the URLs of the broker, of the API and of itself.
struct App {
    broker: String,
    key: String,
    provider: String,
    api: String,
    origin: String,
    client: Client,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("set {name}"));
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8490".to_owned());
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    let app = App {
        broker: variable("BROKER_URL")?,
        key: variable("BROKER_KEY")?,
        provider: variable("PROVIDER")?,
        api: variable("API_URL")?,
        origin: format!("http://{}", listener.local_addr()?),
        client: Client::builder().redirect(reqwest::redirect::Policy::none()).build()?,
    };
    println!("open {}/", app.origin);
    let router = Router::new()
        .route("/", get(page))
        .route("/{user}/connect", post(connect))
        .route("/{user}/call", post(call))
        .route("/{user}/disconnect", post(disconnect))
        .with_state(Arc::new(app));
    Ok(axum::serve(listener, router).await?)
}

type Answer = Result<Response, Failed>;

/// Something that the user of this example should know.
struct Failed(String);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, html("Something went wrong", &escape(&self.0))).into_response()
    }
}

impl<E: Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl App {
    /// Sends a request to the broker, and returns the status and the JSON of its response.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), Failed> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.broker)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let json = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        Ok((status, json))
    }

    fn connection(&self, user: &str) -> String {
        format!("/v1/connections/{}/{user}", self.provider)
    }

    /// Returns a link to the broker, which sends the user back to this page.
    async fn link(&self, user: &str) -> Answer {
        let redirect_to = format!("{}/", self.origin);
        let body = json!({ "provider": self.provider, "user": user, "redirect_to": redirect_to });
        match self.ask(Method::POST, "/v1/connections", Some(body)).await? {
            (201, link) => {
                Ok(Redirect::to(link["authorize_url"].as_str().unwrap_or_default()).into_response())
            }
            (status, problem) => Err(Failed(format!("the broker returned {status}: {problem}"))),
        }
    }
}

/// Shows who is connected.
async fn page(State(app): State<Arc<App>>) -> Answer {
    let path = format!("/v1/connections?provider={}", app.provider);
    let (status, list) = app.ask(Method::GET, &path, None).await?;
    if status != 200 {
        return Err(Failed(format!("the broker returned {status}: {list}")));
    }
    let connections = list["connections"].as_array().cloned().unwrap_or_default();
    let mut rows = String::from("<table>");
    for user in USERS {
        let connection = connections.iter().find(|one| one["user"] == user);
        let state = connection.and_then(|one| one["status"].as_str()).unwrap_or("not connected");
        let button = |action: &str, text: &str| {
            format!("<form method=post action=\"/{user}/{action}\"><button>{text}</button></form>")
        };
        let actions = match state {
            "connected" => button("call", "Call the API") + &button("disconnect", "Disconnect"),
            _ => button("connect", "Connect"),
        };
        write!(rows, "<tr id={user}><th>{user}<td>{}<td>{actions}", escape(state))?;
    }
    Ok(html("Connected accounts", &(rows + "</table>")).into_response())
}

/// Starts connecting the account of a user.
async fn connect(State(app): State<Arc<App>>, Path(user): Path<String>, head: HeaderMap) -> Answer {
    check(&app, &user, &head)?;
    app.link(&user).await
}

/// Calls the API for a user. Redirects a user who must log in again.
async fn call(State(app): State<Arc<App>>, Path(user): Path<String>, head: HeaderMap) -> Answer {
    check(&app, &user, &head)?;
    let token =
        match app.ask(Method::GET, &format!("{}/token", app.connection(&user)), None).await? {
            (200, token) => token["access_token"].as_str().unwrap_or_default().to_owned(),
            (404 | 409, _) => return app.link(&user).await,
            (status, problem) => {
                return Err(Failed(format!("the broker returned {status}: {problem}")));
            }
        };
    let response =
        app.client.get(&app.api).bearer_auth(token).header("user-agent", "connected-accounts");
    let response = response.send().await?;
    let (status, text) = (response.status(), response.text().await?);
    let shown = format!(
        "<p>The API returned {status}.<pre>{}</pre><p><a href=\"/\">Back</a>",
        escape(&text)
    );
    Ok(html("Response of the API", &shown).into_response())
}

/// Ends the connection of a user.
async fn disconnect(
    State(app): State<Arc<App>>,
    Path(user): Path<String>,
    head: HeaderMap,
) -> Answer {
    check(&app, &user, &head)?;
    app.ask(Method::DELETE, &app.connection(&user), None).await?;
    Ok(Redirect::to("/").into_response())
}

/// Refuses users that do not exist, and forms from other sites.
fn check(app: &App, user: &str, head: &HeaderMap) -> Result<(), Failed> {
    let is_ours = head.get(header::ORIGIN).is_some_and(|origin| origin == app.origin.as_str());
    match USERS.contains(&user) && is_ours {
        true => Ok(()),
        false => Err(Failed("the form is none of this page".to_owned())),
    }
}

fn html(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui;max-width:40rem;\
         margin:2rem auto;padding:0 1rem}}form{{display:inline}}th,td{{padding:.4rem .8rem;text-align:left}}\
         pre{{overflow-x:auto}}</style><h1>{title}</h1>{body}"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
