//! `oauthctl-broker`, the program behind `oauthctl serve` and `oauthctl tenant`.

fn main() -> std::process::ExitCode {
    oauthctl_broker::cli::main()
}
