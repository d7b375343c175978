# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_oauthctl_global_optspecs
    string join \n config= store= json q/quiet v/verbose trace trace-har= color= no-input h/help V/version
end

function __fish_oauthctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_oauthctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_oauthctl_using_subcommand
    set -l cmd (__fish_oauthctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c oauthctl -n "__fish_oauthctl_needs_command" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "login" -d 'Log in and store the tokens'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "token" -d 'Print a valid access token, refreshed if necessary'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "exec" -d 'Run a command with a fresh token in its environment'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "api" -d 'Make an authorized request to an API'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "proxy" -d 'Lend a token to programs through a local proxy'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "agent" -d 'Hand out tokens to other processes through a Unix socket'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "refresh" -d 'Refresh the tokens of an account now'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "status" -d 'Show accounts, their scopes, remaining lifetime and last refresh'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "doctor" -d 'Test everything that logins and tokens depend on'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "logout" -d 'Revoke the tokens of an account and remove them'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "userinfo" -d 'Show the server\'s information about the user'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "introspect" -d 'Ask the server whether a token is active'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "inspect" -d 'Decode a JWT, verify its signature and explain its claims'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "discover" -d 'Show and explain the metadata of a server'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "start" -d 'Start an authorization to be completed later or by another process'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "complete" -d 'Complete an authorization that `start` began'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "pending" -d 'List, show or cancel pending authorizations, or replace their key'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "attr" -d 'Read, set or remove the attributes of a grant'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "credential" -d 'Act as a credential helper for git, docker, kubectl, cargo and others'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "profile" -d 'Add, list, show, edit or remove profiles, or set the default one'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "providers" -d 'List the built-in provider presets, or show one'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "store" -d 'Generate store keys, inspect stores or move accounts between them'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "export" -d 'Print an account as one line of text, for CI'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "import" -d 'Import an account that `export` printed'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "demo" -d 'Run a complete login, refresh and logout against a built-in server'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "uninstall" -d 'Remove the accounts, keys, state and links that oauthctl created'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "sandbox" -d 'Run a test authorization server on the loopback interface'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "serve" -d 'Run the broker, which manages OAuth connections for applications'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "tenant" -d 'Manage the tenants of the broker'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "man" -d 'Print a manual page, or write all of them to a directory'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "help" -d 'Print help for a command'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "version" -d 'Print the version'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l account -d 'Account name; a profile can have several accounts [env: OAUTHCTL_ACCOUNT] [default: default]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l flow -d 'Login flow: `browser` with a loopback listener, `device` to enter a code on any device, or `paste` to paste the callback URL [default: the first flow of the profile that works here]' -r -f -a "browser\t''
paste\t''
device\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l browser -d 'Browser command; %s stands for the URL [env: OAUTHCTL_BROWSER, BROWSER]' -r -f -a "(__fish_complete_command)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l scope -d 'Scope to request instead of the profile\'s; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l add-scope -d 'Scope to request in addition to those of the stored login; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l login-hint -d 'Value of the `login_hint` parameter: the user who will log in' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l prompt -d 'Value of the OIDC `prompt` parameter: select_account, consent or login' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l param -d 'Extra parameter of the authorization request; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l port -d 'Port of the loopback listener [default: from the profile]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l timeout -d 'How long to wait for the user [default: from the profile, else 5m]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l client-id -d 'Login by URL: ID of a client that is registered with the server' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l challenge -d 'Login by URL: the `WWW-Authenticate` value that the resource returned' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l no-browser -d 'Print the URL instead of opening a browser'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l qr -d 'Show the verification URL of the device flow as a QR code'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l client-secret-stdin -d 'Login by URL: read the secret of that client from standard input'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l min-ttl -d 'Minimum remaining lifetime of the token [default: from the profile, else 60s]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l scope -d 'Limit the token to this scope; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l resource -d 'Request a token for this resource (RFC 8707)' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l audience -d 'Request a token for this audience' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l challenge -d 'Login by URL: log in again for the scopes in this `WWW-Authenticate` value' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l format -d 'Output format, see below [default: token]' -r -f -a "token\t''
json\t''
header\t''
headers\t''
curl\t''
env\t''
fish\t''
powershell\t''
xoauth2\t''
oauthbearer\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l user -d 'Mailbox for `--format xoauth2` and `--format oauthbearer`' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l dpop -d 'Add a DPoP proof for this request; for the formats header, headers, curl and json (RFC 9449)' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l dpop-nonce -d '`DPoP-Nonce` that the API returned, for the proof' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l force-refresh -d 'Refresh the token even if it is still valid'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l cached -d 'Print the stored token or fail, without network access'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l id-token -d 'Print the id_token instead of the access token'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l login -d 'Log in if necessary'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s p -l profile -d 'Profile to use [env: OAUTHCTL_PROFILE]' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l min-ttl -d 'Minimum remaining lifetime of the token [default: from the profile, else 60s]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l scope -d 'Limit the token to this scope; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l resource -d 'Request a token for this resource (RFC 8707)' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l audience -d 'Request a token for this audience' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l env -d 'Environment variable that holds the token' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s H -l header -d 'Header to send, such as `Accept: text/plain`; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s d -l data -d 'Body to send: the text itself, `@FILE`, or `-` for standard input; sent as `application/json` unless `-H` sets another content type' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s f -l field -d 'String member of a JSON object to send as the body, or query parameter with GET; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s p -l profile -d 'Profile to use [env: OAUTHCTL_PROFILE]' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s o -l output -d 'Write the body of a successful response to this file' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s i -l include -d 'Print the status and the headers of the response before its body'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l login -d 'Log in if necessary, including for scopes that the request requires'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -s p -l profile -d 'Profile to use [env: OAUTHCTL_PROFILE]' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l listen -d 'Loopback address or `unix:PATH` to listen on [default: a free port on 127.0.0.1]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l allow -d 'Method and path to allow, such as `GET /api/v4/**`; can be repeated [default: all]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l audit -d 'Append a line of JSON to this file for each request' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l confirm -d 'Command to run before the first request; if it fails, requests are refused' -r -f -a "(__fish_complete_command)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l confirm-for -d 'How long a confirmation is valid [default: until the proxy stops]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand proxy" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l socket -d 'Socket to listen on [default: oauthctl/agent.sock in the runtime directory]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l allow-uid -d 'ID of another user who may connect; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l confirm -d 'Command to run before the first token is handed out; if it fails, requests are refused' -r -f -a "(__fish_complete_command)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l confirm-for -d 'How long a confirmation is valid [default: until the agent stops]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l audit -d 'Append a line of JSON to this file for each request' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l lock-after-sleep -d 'Lock the agent when the machine wakes up from sleep'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l foreground -d 'Stay in the foreground, for systemd, launchd and containers'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l detached -d 'Set for the process in the background, whose output nobody reads once it serves'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l status -d 'Show whether the agent is running and whether it is locked'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l stop -d 'Stop the agent'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l lock -d 'Stop handing out tokens until `--unlock`'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l unlock -d 'Resume handing out tokens'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand agent" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l scope -d 'Limit the token to this scope; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l resource -d 'Request a token for this resource (RFC 8707)' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l audience -d 'Request a token for this audience' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l min-ttl -d 'Warn if the new token is valid for less than this' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l check -d 'Exit with code 4 if an account has a problem, or if no account is logged in'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l offline -d 'Test only this machine, without the network'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l all -d 'Log out of all accounts of the profile, or of all profiles if none is named'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l local -d 'Remove the tokens locally without revoking them at the server'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l refresh-token -d 'Introspect the stored refresh token'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l token-stdin -d 'Introspect the token on standard input'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -s p -l profile -d 'Profile whose token to inspect [env: OAUTHCTL_PROFILE]' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l id-token -d 'Inspect the stored id_token'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l offline -d 'Do not access the network and do not verify the signature'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l user -d 'Your identifier for the user, used as the account name and returned by `complete`; the state does not reveal it' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l attr -d 'Attribute to keep with the grant; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l ttl -d 'Time within which the authorization must be completed' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l redirect-uri -d 'Redirect URI of the flow [default: the first one of the profile]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l scope -d 'Scope to request instead of the profile\'s; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l login-hint -d 'Value of the `login_hint` parameter: the user who will log in' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l param -d 'Extra parameter of the authorization request; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l sealed -d 'Encrypt the whole flow into the state, so that any machine with the same OAUTHCTL_STATE_KEY can complete it'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l code -d 'Authorization code, instead of a URL' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l state -d '`state` parameter that was received with the code' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l iss -d '`iss` parameter that was received with the code' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l redirect-uri -d 'URL that received the code, without its query; required without `--iss` if another configured server could have issued the code' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l expect-state -d 'Accept only this state' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s p -l profile -d 'Accept only a flow of this profile' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l require-identity -d 'Accept only this user: sub=… or email=…' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l show-token -d 'Also print the access token'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "list" -d 'List the pending authorizations'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "show" -d 'Show a pending authorization'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "cancel" -d 'Cancel a pending authorization, so that its response is rejected'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "rotate-key" -d 'Generate a new key for states; the previous key remains valid until its states expire'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l alg -d 'Algorithm that signs new states' -r -f -a "HS256\t''
EdDSA\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "get" -d 'Print the value of an attribute'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "set" -d 'Set an attribute; it is kept across refreshes'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "unset" -d 'Remove an attribute'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "list" -d 'Print all attributes'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l ttl -d 'How long to keep it [default: as long as the grant]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "git" -d 'Act as a credential helper for git'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "docker" -d 'Act as a credential helper for docker'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "kubernetes" -d 'Act as an exec credential plugin for Kubernetes'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "cargo" -d 'Act as a credential provider for cargo'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "aws" -d 'Print temporary AWS credentials for a role, as a `credential_process`'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "netrc" -d 'Print a netrc file, or write it to a named pipe'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "npm" -d 'Print the value of the `Authorization` header, as a pnpm token helper'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and not __fish_seen_subcommand_from git docker kubernetes cargo aws netrc npm setup" -f -a "setup" -d 'Configure a tool to use its helper, or undo that'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l cargo-plugin -d 'Accepted for cargo, which always adds it'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from cargo" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l pipe -d 'Write to this named pipe once a program reads it' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l undo -d 'Remove what `setup` added'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "add" -d 'Add a profile to the configuration file, interactively at a terminal'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "list" -d 'List the profiles'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "show" -d 'Show a profile and the values of its preset, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "edit" -d 'Edit the configuration file in $VISUAL or $EDITOR, and validate it before saving'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "default" -d 'Show or set the default profile'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "remove" -d 'Remove a profile from the configuration file'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "set-secret" -d 'Store the client secret of a profile, read from standard input'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show edit default remove set-secret path" -f -a "path" -d 'Print the path of the configuration file'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l provider -d 'Built-in preset to start from (see `oauthctl providers`)' -r -f -a "airtable\t''
apple\t''
asana\t''
atlassian\t''
auth0\t''
authelia\t''
authentik\t''
battlenet\t''
bitbucket\t''
box\t''
calendly\t''
canva\t''
clickup\t''
codeberg\t''
cognito\t''
digitalocean\t''
discord\t''
docusign\t''
dropbox\t''
eventbrite\t''
facebook\t''
fastmail\t''
figma\t''
forgejo\t''
gitea\t''
github\t''
github_app\t''
gitlab\t''
google\t''
harvest\t''
heroku\t''
hubspot\t''
huggingface\t''
intercom\t''
keycloak\t''
linear\t''
linkedin\t''
login_with_amazon\t''
mailchimp\t''
microsoft\t''
miro\t''
notion\t''
okta\t''
patreon\t''
pinterest\t''
quickbooks\t''
reddit\t''
salesforce\t''
shopify\t''
slack\t''
slack_user\t''
smartsheet\t''
spotify\t''
strava\t''
todoist\t''
twitch\t''
webex\t''
webflow\t''
wordpress\t''
x\t''
xero\t''
yandex\t''
zendesk\t''
zitadel\t''
zoho\t''
zoom\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l issuer -d 'Issuer URL, for discovery of the endpoints' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l client-id -d 'Client ID that the service issued [default: prompt for all settings at a terminal]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l scope -d 'Scope to request; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l set -d 'Set any other key of the profile; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l client-secret-stdin -d 'Read the client secret from standard input and store it in the token store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -f -a "keygen" -d 'Generate a key for the file store, to be set as OAUTHCTL_STORE_KEY'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -f -a "info" -d 'Show the store in use, where it is, and how many accounts it holds'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -f -a "migrate" -d 'Move accounts and client secrets to another store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l to -d 'Store to move to: keyring, file, file:DIR or command' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l write -d 'Write the new store to the configuration afterwards'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l accept-unauthenticated -d 'Accept unauthenticated records of file stores, as written by earlier versions'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s p -l profile -d 'Same as the PROFILE argument' -r -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l account -d 'Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]' -r -f -a "(__oauthctl_names accounts)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l recipient -d 'Encrypt the line to this age recipient; can be repeated' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l replace -d 'Replace the account if it is already stored'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l browser -d 'Log in manually in a browser, started with COMMAND if specified' -r -f -a "(__fish_complete_command)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l dry-run -d 'Only show what would be removed'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l yes -d 'Skip the confirmation prompt'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l with-config -d 'Remove the configuration file too'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand uninstall" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l port -d 'Port to listen on [default: chosen by the system]' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l scenario -d 'Scenario in which the server misbehaves; can be repeated; `help` lists the scenarios' -r -f -a "rotate\t''
rotate-grace\t''
no-rotation\t''
same-refresh-token\t''
no-refresh-token\t''
expire-fast\t''
no-expires-in\t''
string-expires-in\t''
expires-in-zero\t''
expires-in-negative\t''
expires-in-fraction\t''
expires-in-huge\t''
expires-in-exponent\t''
expires-in-null\t''
expires-in-word\t''
expires-in\t''
token-500\t''
token-503-retry-after\t''
token-503-once\t''
token-429\t''
token-429-once\t''
token-html\t''
token-empty-400\t''
token-redirect\t''
refresh-500\t''
refresh-503-once\t''
refresh-invalid-grant\t''
refresh-invalid-grant-once\t''
refresh-invalid-client\t''
error-in-200\t''
errors-as-200\t''
hostile-error-text\t''
form-encoded-reply\t''
missing-token-type\t''
upper-token-type\t''
odd-token-type\t''
missing-access-token\t''
no-scope\t''
scope-less\t''
scope-more\t''
unknown-fields\t''
control-chars\t''
shell-chars\t''
huge-token\t''
slow\t''
slow-token\t''
slow-refresh\t''
reset\t''
token-reset\t''
token-drop\t''
token-half\t''
stall-token\t''
refresh-drop\t''
refresh-half\t''
refresh-stall\t''
byte-a-second\t''
endless-body\t''
endless-headers\t''
huge-body\t''
gzip-bomb\t''
truncated-json\t''
trailing-junk\t''
duplicate-keys\t''
deep-nesting\t''
bom\t''
wrong-content-type\t''
status-201\t''
deny\t''
wrong-state\t''
truncated-state\t''
no-state\t''
no-iss\t''
iss-announced-missing\t''
wrong-iss\t''
slash-iss\t''
twice-iss\t''
code-and-error\t''
duplicate-code\t''
hostile-code\t''
token-in-callback\t''
callback-error\t''
hostile-callback-text\t''
discovery-wrong-issuer\t''
discovery-slash-issuer\t''
discovery-http-endpoint\t''
discovery-script-endpoint\t''
discovery-no-token-endpoint\t''
discovery-html\t''
discovery-404\t''
discovery-500\t''
discovery-redirect\t''
discovery-plain-pkce-only\t''
discovery-no-pkce\t''
resource-wrong\t''
requires-par\t''
par-expired\t''
par-error\t''
par-500\t''
par-redirect\t''
slow-down\t''
device-denied\t''
device-expired\t''
device-no-interval\t''
device-hostile-uri\t''
register-other-redirect\t''
register-expired-secret\t''
register-refused\t''
id-token-rs256\t''
id-token-alg-none\t''
id-token-hs256\t''
id-token-bad-signature\t''
id-token-jku-header\t''
id-token-crit-header\t''
id-token-wrong-iss\t''
id-token-wrong-aud\t''
id-token-array-aud\t''
id-token-extra-aud\t''
id-token-wrong-azp\t''
id-token-expired\t''
id-token-future\t''
id-token-no-nonce\t''
id-token-wrong-nonce\t''
id-token-missing-sub\t''
id-token-missing-iat\t''
id-token-missing-exp\t''
id-token-missing-aud\t''
id-token-bad-at-hash\t''
id-token-missing\t''
refresh-other-sub\t''
refresh-other-iss\t''
refresh-other-aud\t''
jwks-rotated\t''
jwks-wrong\t''
jwks-empty\t''
jwks-no-kid\t''
jwks-many\t''
jwks-500\t''
userinfo-other-sub\t''
userinfo-html\t''
userinfo-401\t''
revoke-500\t''
revoke-503\t''
revoke-redirect\t''
introspect-inactive\t''
dpop-nonce\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l access-ttl -d 'Lifetime of access tokens' -r -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l auto-consent -d 'Grant consent without showing a page, for unattended tests'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l dir -d 'Write all manual pages to this directory' -r -f -a "(__fish_complete_directories)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l config -d 'Configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l store -d 'Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]' -r -f -a "keyring\t''
file\t''
command\t''
agent\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l trace-har -d 'Write all HTTP exchanges to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l color -d 'When to use colors; `auto` uses them on a terminal unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l json -d 'Print results and errors as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -s q -l quiet -d 'Print only results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -s v -l verbose -d 'Print more details'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -l no-input -d 'Never prompt and never open a browser; exit with code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand version" -s h -l help -d 'Print help'

function __oauthctl_names
    command oauthctl __names $argv[1] -- (commandline -opc) 2>/dev/null
end
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand api" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand doctor" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand userinfo" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand introspect" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand inspect" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand discover" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from git" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from docker" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from kubernetes" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from aws" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from netrc" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from npm" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -f -a "git docker kubernetes cargo aws netrc npm"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand credential; and __fish_seen_subcommand_from setup" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from default" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from set-secret" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -f -a "airtable apple asana atlassian auth0 authelia authentik battlenet bitbucket box calendly canva clickup codeberg cognito digitalocean discord docusign dropbox eventbrite facebook fastmail figma forgejo gitea github github_app gitlab google harvest heroku hubspot huggingface intercom keycloak linear linkedin login_with_amazon mailchimp microsoft miro notion okta patreon pinterest quickbooks reddit salesforce shopify slack slack_user smartsheet spotify strava todoist twitch webex webflow wordpress x xero yandex zendesk zitadel zoho zoom"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -f -a "(__oauthctl_names profiles)"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand serve" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand tenant" -f
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -f -a "bash elvish fish powershell zsh"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -f -a "login token exec api proxy agent refresh status doctor logout userinfo introspect inspect discover start complete pending attr credential profile providers store export import demo uninstall sandbox serve tenant completions man help version"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand help" -f -a "login token exec api proxy agent refresh status doctor logout userinfo introspect inspect discover start complete pending attr credential profile providers store export import demo uninstall sandbox serve tenant completions man help version configuration logging-in headless login-by-url machines client-authentication fapi credential-helpers api-requests token-proxy token-agent ci stores environment exit-codes options topics"
