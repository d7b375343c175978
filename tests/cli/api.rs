//! `oauthctl api`: one request with the token, and only to the API.

mod agent;
mod bounds;
mod refusals;
mod requests;
mod secure;
