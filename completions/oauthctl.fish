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

complete -c oauthctl -n "__fish_oauthctl_needs_command" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -s V -l version -d 'Print version'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "login" -d 'Log in: a browser opens, and the tokens go into the token store'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "token" -d 'Print a working access token, refreshed when needed'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "exec" -d 'Run a command with a fresh token in its environment'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "refresh" -d 'Refresh an account\'s tokens now'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "status" -d 'Show accounts, scopes, time left and the last refresh'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "logout" -d 'Revoke an account\'s tokens and forget them'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "start" -d 'Start an authorization whose response comes elsewhere or later'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "complete" -d 'Complete an authorization that `start` began'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "pending" -d 'List, show or cancel authorizations that wait for their response'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "attr" -d 'Keep values with a grant, and read them'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "profile" -d 'Add, list, show or remove profiles'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "providers" -d 'List the providers that have a preset, or show one'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "store" -d 'Make keys for the file store, look at stores, move between them'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "export" -d 'Print one account as one line of text, for CI'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "import" -d 'Take an account that `export` printed'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "demo" -d 'Show the whole main job on a machine with nothing set up'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "sandbox" -d 'Run an authorization server for tests, on loopback'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c oauthctl -n "__fish_oauthctl_needs_command" -f -a "man" -d 'Print a manual page, or write all of them'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l account -d 'A name for this login, where a profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l flow -d 'A browser and a loopback listener, or the callback URL pasted by hand [default: the profile\'s]' -r -f -a "browser\t''
paste\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l browser -d 'The browser\'s command; %s stands for the URL [env: OAUTHCTL_BROWSER, BROWSER]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l scope -d 'Ask for these scopes instead of the profile\'s' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l login-hint -d 'Tell the server who will log in' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l prompt -d 'What the server shall ask: select_account, consent, login' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l param -d 'A further parameter of the authorization request' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l port -d 'The listener\'s port, in place of the profile\'s' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l timeout -d 'How long to wait for the person [default: the profile\'s, else 5m]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l no-browser -d 'Print the URL instead of opening a browser'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand login" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l min-ttl -d 'The least life the token must have left [default: the profile\'s, else 60s]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l scope -d 'Ask for fewer scopes than were granted' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l resource -d 'Ask for a token for this resource' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l audience -d 'Ask for a token for this audience' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l format -d 'How to print it: see below [default: token]' -r -f -a "token\t''
json\t''
header\t''
curl\t''
env\t''
fish\t''
powershell\t''
xoauth2\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l user -d 'The mailbox, for `--format xoauth2`' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l force-refresh -d 'Refresh even if the stored token has enough life'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l cached -d 'Use no network: print what is stored, or fail'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l login -d 'Log in if that is needed'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand token" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l min-ttl -d 'The least life the token must have left [default: the profile\'s, else 60s]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l scope -d 'Ask for fewer scopes than were granted' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l resource -d 'Ask for a token for this resource' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l audience -d 'Ask for a token for this audience' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l env -d 'The environment variable that gets the token' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand exec" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l min-ttl -d 'The least life the token must have left [default: the profile\'s, else 60s]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l scope -d 'Ask for fewer scopes than were granted' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l resource -d 'Ask for a token for this resource' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l audience -d 'Ask for a token for this audience' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand refresh" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s p -l profile -d 'The profile; all of them without one' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l all -d 'All accounts: of the profile if one is named, else of every profile'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l local -d 'Only forget: ask no server to revoke'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand logout" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s p -l profile -d 'The profile' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l user -d 'Your own name for the person, and for the account: it comes back with `complete`, and the state does not show it' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l attr -d 'An attribute that the grant will have' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l ttl -d 'How long the response is awaited' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l redirect-uri -d 'Where the person is sent back to [default: the profile\'s first]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l scope -d 'Ask for these scopes instead of the profile\'s' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l login-hint -d 'Tell the server who will log in' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l param -d 'A further parameter of the authorization request' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l sealed -d 'Put all of the flow into the state, encrypted: any machine with the same OAUTHCTL_STATE_KEY can complete it'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand start" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l code -d 'The code, in place of a URL' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l state -d 'The state that came with the code' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l iss -d 'The issuer that came with the code' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l redirect-uri -d 'The URL at which the code came in, up to its query; wanted where no issuer tells servers apart' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l expect-state -d 'Refuse any other state than this one' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s p -l profile -d 'Refuse a state of another profile' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l require-identity -d 'Who must have granted: sub=… or email=…' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l show-token -d 'Print the access token too'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand complete" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "list" -d 'List the flows that wait for their response'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "show" -d 'Show one of them'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "cancel" -d 'Forget one: its response will be refused'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and not __fish_seen_subcommand_from list show cancel rotate-key" -f -a "rotate-key" -d 'Make a new key for states; the one before is still taken for as long as its states live'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l alg -d 'How states are signed from now on' -r -f -a "HS256\t''
EdDSA\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand pending; and __fish_seen_subcommand_from rotate-key" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "get" -d 'Print a value'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "set" -d 'Keep a value with the grant, over every refresh'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "unset" -d 'Remove a value'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and not __fish_seen_subcommand_from get set unset list" -f -a "list" -d 'Print all values'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l ttl -d 'How long it is kept [default: as long as the grant]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand attr; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -f -a "add" -d 'Add a profile to the configuration file'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -f -a "list" -d 'List the profiles'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -f -a "show" -d 'Show a profile with everything that its preset gives, secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -f -a "remove" -d 'Remove a profile from the configuration file'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and not __fish_seen_subcommand_from add list show remove path" -f -a "path" -d 'Print the path of the configuration file'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l provider -d 'A preset (see `oauthctl providers`)' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l issuer -d 'An issuer, for discovery' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l client-id -d 'The client id' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l scope -d 'A scope; may be given several times' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l set -d 'Any other key of a profile' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l client-secret-stdin -d 'Read the client secret from standard input and keep it in the token store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand profile; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand providers" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -f -a "keygen" -d 'Make a key for the file store and print it, for OAUTHCTL_STORE_KEY'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -f -a "info" -d 'Say which store is used, where it is, and what it holds'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and not __fish_seen_subcommand_from keygen info migrate" -f -a "migrate" -d 'Move accounts to another store'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from keygen" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l to -d 'The store to move to: keyring, file or file:DIR' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s p -l profile -d 'Only this profile\'s accounts' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l accept-unauthenticated -d 'Accept records of file stores that are not authenticated, as earlier versions wrote them'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand store; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s p -l profile -d 'The profile [env: OAUTHCTL_PROFILE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l account -d 'The account, where the profile has several' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l recipient -d 'Encrypt the line to this age recipient' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand export" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l replace -d 'Replace what is stored under the same account'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand import" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l browser -d 'Open a real browser, with this command if one is given, and let you click' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand demo" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l port -d 'The port; one from the system without it' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l scenario -d 'How the server behaves; may be given several times; `help` lists them' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l access-ttl -d 'How long access tokens live' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l auto-consent -d 'Consent without asking, for tests without a person'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand sandbox" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l dir -d 'Write the pages of all commands into this directory' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l config -d 'The configuration file [env: OAUTHCTL_CONFIG]' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l store -d 'The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]' -r
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l trace-har -d 'Write every exchange to a HAR file, with secrets redacted' -r -F
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l color -d 'When to use colours; auto: on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l json -d 'Print the result, and an error, as JSON'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s q -l quiet -d 'Say nothing but results and errors'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s v -l verbose -d 'Say more about what is done'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l trace -d 'Explain every protocol step on stderr, with secrets redacted'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -l no-input -d 'Never ask and never open a browser: fail with exit code 4 instead'
complete -c oauthctl -n "__fish_oauthctl_using_subcommand man" -s h -l help -d 'Print help'
