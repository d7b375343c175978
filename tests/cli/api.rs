//! `oauthctl api`: one request with the token, and only to the API.

mod bounds;
mod refusals;
mod requests;
