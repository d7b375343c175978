//! `oauthctl proxy` from outside: raw bytes to the built program, and a server behind it that notes what
//! arrives.

mod attacks;
mod client;
mod life;
mod streams;
mod use_of;
