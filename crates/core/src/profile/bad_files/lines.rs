//! Invalid lines.

/// A line that is added to the valid profile as its fourth, and the error for it.
pub(super) const LINES: &[(&str, &str)] = &[
    ("scops = []", "4:1: unknown key `scops` in [profiles.x], did you mean `scopes`?"),
    ("clientid = \"c\"", "4:1: unknown key `clientid` in [profiles.x], did you mean `client_id`?"),
    ("q = 1", "4:1: unknown key `q` in [profiles.x]; the nearest is `"),
    (
        "scopes = \"a b\"",
        "4:10: `scopes` in [profiles.x] must be a list of strings, like [\"a\", \"b\"], not a string",
    ),
    (
        "scopes = [\"a\", 1]",
        "4:16: `scopes` in [profiles.x] must be a list of strings, not an integer",
    ),
    ("scopes = [\"\"]", "4:11: `scopes` in [profiles.x] must not contain an empty string"),
    ("scope_separator = \"\"", "4:19: `scope_separator` in [profiles.x] must not be empty"),
    (
        "scope_param = \"state\"",
        "4:15: `scope_param` in [profiles.x] must not be `state`: oauthctl sets it",
    ),
    ("client_id = \"d\"", "4:1: duplicate key `client_id`"),
    (
        "audience = \"a\\u001b[m\"",
        "4:12: `audience` in [profiles.x] must not contain control characters",
    ),
    (
        "token_endpoint = \"http://as.example/t\"",
        "4:18: `token_endpoint` in [profiles.x] must use https: plain http is allowed only for loopback hosts",
    ),
    (
        "token_endpoint = \"as.example/t\"",
        "4:18: `token_endpoint` in [profiles.x] must begin with https://",
    ),
    (
        "token_endpoint = \"https://u:hunter2@as.example/t\"",
        "4:18: `token_endpoint` in [profiles.x] must not contain a user name or password",
    ),
    (
        "jwks_uri = \"https://as.example/#k\"",
        "4:12: `jwks_uri` in [profiles.x] must not contain a fragment (`#`)",
    ),
    (
        "userinfo_endpoint = \"ftp://as.example/\"",
        "4:21: `userinfo_endpoint` in [profiles.x] must begin with https://",
    ),
    (
        "revocation_endpoint = 5",
        "4:23: `revocation_endpoint` in [profiles.x] must be a string, not an integer",
    ),
    (
        "root_url = \"https://as.example/?a=b\"",
        "4:12: `root_url` in [profiles.x] must not contain a query (`?`)",
    ),
    (
        "redirect_uri = \"http://0.0.0.0/cb\"",
        "4:16: `redirect_uri` in [profiles.x] must be https, or http on 127.0.0.1, [::1] or localhost",
    ),
    (
        "redirect_uri = \"http://127.0.0.1:0/\"",
        "4:16: `redirect_uri` in [profiles.x] must have a port from 1 to 65535, or none",
    ),
    (
        "redirect_uri = \"http://127.0.0.1/?a\"",
        "4:16: `redirect_uri` in [profiles.x] must not contain a query, a fragment or a backslash",
    ),
    ("redirect_uri = []", "4:16: `redirect_uri` in [profiles.x] must not be an empty list"),
    (
        "redirect_uri = [\"http://localhost\", \"http://localhost\"]",
        "4:16: `redirect_uri` in [profiles.x] names `http://localhost` twice",
    ),
    (
        "redirect_uri = \"app.example/cb\"",
        "4:16: `redirect_uri` in [profiles.x] must be https, or http on 127.0.0.1, [::1] or localhost",
    ),
    (
        "redirect_uri = \"http://LOCALHOST/cb\"",
        "4:16: `redirect_uri` in [profiles.x] must name the host localhost in lower case",
    ),
    (
        "client_auth = \"basic\"",
        "4:15: `client_auth` in [profiles.x] must be `none` or `client_secret_basic` or",
    ),
    (
        "client_auth = \"client_secret_post\"",
        "4:1: [profiles.x] authenticates with client_secret_post, which needs a `client_secret`",
    ),
    (
        "client_auth = \"private_key_jwt\"",
        "4:1: [profiles.x] authenticates with private_key_jwt, which needs a `private_key` or a \
         `client_assertion`",
    ),
    (
        "client_auth = \"tls_client_auth\"",
        "4:1: [profiles.x] authenticates with tls_client_auth, which needs a `private_key`",
    ),
    (
        "grant = \"implicit\"",
        "4:9: `grant` in [profiles.x] must be `authorization_code` or `device_code`",
    ),
    (
        "grant = \"client_credentials\"",
        "4:1: [profiles.x] uses client_credentials, which needs a `client_secret`, `private_key` or `client_assertion`",
    ),
    (
        "grant = \"jwt_bearer\"",
        "4:1: [profiles.x] uses jwt_bearer, which needs `service_account`, `private_key`",
    ),
    ("grant = \"id_jag\"", "4:1: [profiles.x] uses id_jag, which needs `idp`"),
    (
        "grant = \"password\"",
        "4:1: [profiles.x] uses password, which needs `password`, `password` in",
    ),
    ("grant = \"id_jag\"\nidp = \"y\"", "5:1: `idp` in [profiles.x] names an unknown profile: `y`"),
    ("grant = \"id_jag\"\nidp = \"x\"", "5:1: `idp` in [profiles.x] refers to this profile itself"),
    (
        "grant = \"token_exchange\"\nsubject_token = { profile = \"x\" }",
        "5:1: `subject_token` in [profiles.x] refers to this profile itself",
    ),
    (
        "grant = \"token_exchange\"\nsubject_token = { env = \"T\" }\nsubject_token_type = \"jwtt\"",
        "6:22: `subject_token_type` in [profiles.x] must be `access_token`, `refresh_token`",
    ),
    ("username = \"y\"", "4:1: [profiles.x] has `username`, which only the grant `password`"),
    (
        "grant = \"token_exchange\"\nsubject_token = { profile = \"x\", tokn = \"id_token\" }",
        "5:34: unknown key `tokn` in `subject_token` of [profiles.x], did you mean `token`?",
    ),
    (
        "grant = \"token_exchange\"\nsubject_token = { profile = \"x\", token = \"id\" }",
        "5:42: `token` in `subject_token` of [profiles.x] must be `access_token` or `id_token`",
    ),
    (
        "grant = \"token_exchange\"",
        "4:1: [profiles.x] uses token_exchange, which needs `subject_token`, `private_key`",
    ),
    (
        "pkce = \"plain\"",
        "4:8: `pkce` in [profiles.x] must be `S256`: `plain` does not protect the code",
    ),
    ("pkce = false", "4:8: `pkce` in [profiles.x] must be a string, not a boolean"),
    ("dpop = \"yes\"", "4:8: `dpop` in [profiles.x] must be true or false, not a string"),
    ("par = \"sometimes\"", "4:7: `par` in [profiles.x] must be `auto` or `always` or `never`"),
    ("min_ttl = \"soon\"", "4:11: `min_ttl` in [profiles.x] has an invalid duration `soon`"),
    ("min_ttl = -5", "4:11: `min_ttl` in [profiles.x] has an invalid duration `-5`"),
    (
        "timeout = 1.5",
        "4:11: `timeout` in [profiles.x] must be a duration like \"5m\", not a float",
    ),
    ("timeout = \"0s\"", "4:11: `timeout` in [profiles.x] must be longer than 0s"),
    (
        "timeout = 99999999999999999999",
        "4:11: `timeout` in [profiles.x] must be a duration like \"5m\", not an integer",
    ),
    ("flow = [\"browser\", \"browser\"]", "4:8: `flow` in [profiles.x] names `browser` twice"),
    (
        "flow = [\"phone\"]",
        "4:8: `flow` in [profiles.x] must be `browser` or `device` or `paste`, not `phone`",
    ),
    ("flow = []", "4:8: `flow` in [profiles.x] must not be an empty list"),
    (
        "store = \"keyrng\"",
        "4:9: `store` in [profiles.x] must be `keyring`, `file`, `file:DIR`, `command` or `agent`, not `keyrng`, did you mean `keyring`?",
    ),
    ("store = \"file:\"", "4:9: `store` in [profiles.x] must name a directory after `file:`"),
    ("client_secret = 5", "4:17: `client_secret` in [profiles.x] must be a string or a table"),
    ("client_secret = \"\"", "4:17: `client_secret` in [profiles.x] must not be empty"),
    (
        "client_secret = {}",
        "4:17: `client_secret` in [profiles.x] must have exactly one of env, file, command, keyring",
    ),
    (
        "client_secret = { env = \"A\", file = \"b\" }",
        "4:17: `client_secret` in [profiles.x] must have exactly one of",
    ),
    (
        "client_secret = { enw = \"A\" }",
        "4:19: unknown key `enw` in `client_secret` of [profiles.x], did you mean `env`?",
    ),
    (
        "client_secret = { env = \"A=B\" }",
        "4:25: `env` in `client_secret` of [profiles.x] must name an environment variable",
    ),
    (
        "client_secret = { command = \"pass show x\" }",
        "4:29: `command` in `client_secret` of [profiles.x] must be a list",
    ),
    (
        "client_secret = { command = [] }",
        "4:29: `command` in `client_secret` of [profiles.x] must name a program",
    ),
    (
        "client_secret = { github_actions = { audience = \"a\" } }",
        "4:19: unknown key `github_actions` in `client_secret`",
    ),
    (
        "client_assertion = { github_actions = { audiense = \"a\" } }",
        "4:39: `github_actions` in `client_assertion` of [profiles.x] must be { audience = \"…\" }",
    ),
    (
        "write_back = \"gh\"",
        "4:14: `write_back` in [profiles.x] must be a list, like [\"program\", \"argument\"]: no shell is used",
    ),
    (
        "hooks = { pre_tokn = [\"a\"] }",
        "4:11: unknown key `pre_tokn` in [profiles.x.hooks], did you mean `pre_token`?",
    ),
    ("hooks = { pre_token = \"a\" }", "4:23: `pre_token` in [profiles.x.hooks] must be a list"),
    (
        "hooks = { pre_token = { command = [\"a\"], give_tokn = true } }",
        "4:42: unknown key `give_tokn` in [profiles.x.hooks.pre_token], did you mean `give_token`?",
    ),
    (
        "hooks = { pre_token = { give_token = true } }",
        "4:23: `pre_token` in [profiles.x.hooks] needs a `command`",
    ),
    ("hooks = []", "4:9: `hooks` in [profiles.x] must be a table"),
    (
        "resource = [\"api\"]",
        "4:12: `resource` in [profiles.x] must name absolute URIs without a fragment, not `api`",
    ),
    (
        "resource = \"https://api.example/#a\"",
        "4:12: `resource` in [profiles.x] must name absolute URIs",
    ),
    ("keep = [\"refresh_token\"]", "4:8: `keep` in [profiles.x] must not name `refresh_token`"),
    (
        "keep_from_callback = [\"code\"]",
        "4:22: `keep_from_callback` in [profiles.x] must not name `code`",
    ),
    (
        "authorization_details = [{ a = 1 }]",
        "4:25: `authorization_details` in [profiles.x] must be a list of tables that each have a `type`",
    ),
    (
        "authorization_details = { type = \"a\" }",
        "4:25: `authorization_details` in [profiles.x] must be a list of tables",
    ),
    ("token_params = \"a=b\"", "4:16: `token_params` in [profiles.x] must be a table"),
    (
        "token_params = { a = [\"b\"] }",
        "4:22: `token_params` in [profiles.x] must set `a` to a string, not a list",
    ),
    (
        "token_params = { \"a b\" = \"c\" }",
        "4:18: `token_params` in [profiles.x] must not set `a b`: a parameter's name must be plain ASCII",
    ),
    (
        "authorization_params = { response_type = \"token\" }",
        "4:26: `authorization_params` in [profiles.x] must not set `response_type`: it is always `code`",
    ),
    (
        "authorization_params = { response_mode = \"fragment\" }",
        "4:42: `authorization_params` in [profiles.x] must set `response_mode` to `query` or `form_post`",
    ),
    (
        "authorization_params = { scope = \"a\" }",
        "4:26: `authorization_params` in [profiles.x] must not set `scope`: use the key `scopes`",
    ),
    (
        "provider = \"gitlap\"",
        "4:12: `provider` in [profiles.x] names an unknown provider: `gitlap`, did you mean `gitlab`?",
    ),
    ("provider = \"\"", "4:12: `provider` in [profiles.x] must not be empty"),
    ("ca_file = true", "4:11: `ca_file` in [profiles.x] must be a string, not a boolean"),
    ("verify_tls = false", "4:1: unknown key `verify_tls` in [profiles.x]"),
    (
        "audience = \"a\"\nauthorization_params = { audience = \"b\" }",
        "4:1: [profiles.x] sets `audience` twice",
    ),
    (
        "token_endpoint = \"https://as.example/a b\"",
        "4:18: `token_endpoint` in [profiles.x] must not contain white space or control characters",
    ),
    ("keep = \"a", "4:10: invalid basic string"),
];
