# Completions of oauthctl for bash. The names of profiles and accounts come from the program.

# Sets what may follow a command: commands, flags, options with the source of their values, and the sources
# of arguments.
__oauthctl_describe() {
    commands='' flags='' options='' arguments=''
    case $1 in
    'oauthctl')
        commands='login token exec api proxy agent refresh status doctor logout userinfo introspect inspect discover start complete pending attr credential profile providers store export import demo uninstall sandbox serve tenant completions man help version'
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help -V --version'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl login')
        flags='--no-browser --qr --client-secret-stdin --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --flow=browser,paste,device --browser=@programs --scope=@nothing --add-scope=@nothing --login-hint=@nothing --prompt=@nothing --param=@nothing --port=@nothing --timeout=@nothing --client-id=@nothing --challenge=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl token')
        flags='--force-refresh --cached --id-token --login --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --min-ttl=@nothing --scope=@nothing --resource=@nothing --audience=@nothing --challenge=@nothing --format=token,json,header,headers,curl,env,fish,powershell,xoauth2,oauthbearer --user=@nothing --dpop=@nothing --dpop-nonce=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl exec')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --min-ttl=@nothing --scope=@nothing --resource=@nothing --audience=@nothing --env=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl api')
        flags='-i --include --login --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-H=@nothing --header=@nothing -d=@nothing --data=@nothing -f=@nothing --field=@nothing -p=@profiles --profile=@profiles --account=@accounts -o=@files --output=@files --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing @nothing'
        ;;
    'oauthctl proxy')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --listen=@nothing --allow=@nothing --audit=@files --confirm=@programs --confirm-for=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl agent')
        flags='--lock-after-sleep --foreground --status --stop --lock --unlock --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--socket=@files --allow-uid=@nothing --confirm=@programs --confirm-for=@nothing --audit=@files --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl refresh')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --scope=@nothing --resource=@nothing --audience=@nothing --min-ttl=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl status')
        flags='--check --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl doctor')
        flags='--offline --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl logout')
        flags='--all --local --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl userinfo')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl introspect')
        flags='--refresh-token --token-stdin --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl inspect')
        flags='--id-token --offline --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl discover')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl start')
        flags='--sealed --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --user=@nothing --attr=@nothing --ttl=@nothing --redirect-uri=@nothing --scope=@nothing --login-hint=@nothing --param=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl complete')
        flags='--show-token --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--code=@nothing --state=@nothing --iss=@nothing --redirect-uri=@nothing --expect-state=@nothing -p=@profiles --profile=@profiles --require-identity=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl pending')
        commands='list show cancel rotate-key'
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl pending list')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl pending show')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl pending cancel')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl pending rotate-key')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--alg=HS256,EdDSA --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl attr')
        commands='get set unset list'
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl attr get')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles @nothing'
        ;;
    'oauthctl attr set')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --ttl=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles @nothing @nothing'
        ;;
    'oauthctl attr unset')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles @nothing'
        ;;
    'oauthctl attr list')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl credential')
        commands='git docker kubernetes cargo aws netrc npm setup'
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl credential git')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl credential docker')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl credential kubernetes')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl credential cargo')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl credential aws')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl credential netrc')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--pipe=@files --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl credential npm')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl credential setup')
        flags='--undo --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='git,docker,kubernetes,cargo,aws,netrc,npm @nothing'
        ;;
    'oauthctl profile')
        commands='add list show edit default remove set-secret path'
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl profile add')
        flags='--client-secret-stdin --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--provider=airtable,apple,asana,atlassian,auth0,authelia,authentik,battlenet,bitbucket,box,calendly,canva,clickup,codeberg,cognito,digitalocean,discord,docusign,dropbox,eventbrite,facebook,fastmail,figma,forgejo,gitea,github,github_app,gitlab,google,harvest,heroku,hubspot,huggingface,intercom,keycloak,linear,linkedin,login_with_amazon,mailchimp,microsoft,miro,notion,okta,patreon,pinterest,quickbooks,reddit,salesforce,shopify,slack,slack_user,smartsheet,spotify,strava,todoist,twitch,webex,webflow,wordpress,x,xero,yandex,zendesk,zitadel,zoho,zoom --issuer=@nothing --client-id=@nothing --scope=@nothing --set=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl profile list')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl profile show')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl profile edit')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl profile default')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl profile remove')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl profile set-secret')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl profile path')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl providers')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='airtable,apple,asana,atlassian,auth0,authelia,authentik,battlenet,bitbucket,box,calendly,canva,clickup,codeberg,cognito,digitalocean,discord,docusign,dropbox,eventbrite,facebook,fastmail,figma,forgejo,gitea,github,github_app,gitlab,google,harvest,heroku,hubspot,huggingface,intercom,keycloak,linear,linkedin,login_with_amazon,mailchimp,microsoft,miro,notion,okta,patreon,pinterest,quickbooks,reddit,salesforce,shopify,slack,slack_user,smartsheet,spotify,strava,todoist,twitch,webex,webflow,wordpress,x,xero,yandex,zendesk,zitadel,zoho,zoom'
        ;;
    'oauthctl store')
        commands='keygen info migrate'
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl store keygen')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl store info')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl store migrate')
        flags='--write --accept-unauthenticated --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --to=keyring,file,command,agent --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl export')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='-p=@profiles --profile=@profiles --account=@accounts --recipient=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@profiles'
        ;;
    'oauthctl import')
        flags='--replace --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing'
        ;;
    'oauthctl demo')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--browser=@programs --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl uninstall')
        flags='--dry-run --yes --with-config --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl sandbox')
        flags='--auto-consent --json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--port=@nothing --scenario=rotate,rotate-grace,no-rotation,same-refresh-token,no-refresh-token,expire-fast,no-expires-in,string-expires-in,expires-in-zero,expires-in-negative,expires-in-fraction,expires-in-huge,expires-in-exponent,expires-in-null,expires-in-word,expires-in,token-500,token-503-retry-after,token-503-once,token-429,token-429-once,token-html,token-empty-400,token-redirect,refresh-500,refresh-503-once,refresh-invalid-grant,refresh-invalid-grant-once,refresh-invalid-client,error-in-200,errors-as-200,hostile-error-text,form-encoded-reply,missing-token-type,upper-token-type,odd-token-type,missing-access-token,no-scope,scope-less,scope-more,unknown-fields,control-chars,shell-chars,huge-token,slow,slow-token,slow-refresh,reset,token-reset,token-drop,token-half,stall-token,refresh-drop,refresh-half,refresh-stall,byte-a-second,endless-body,endless-headers,huge-body,gzip-bomb,truncated-json,trailing-junk,duplicate-keys,deep-nesting,bom,wrong-content-type,status-201,deny,wrong-state,truncated-state,no-state,no-iss,iss-announced-missing,wrong-iss,slash-iss,twice-iss,code-and-error,duplicate-code,hostile-code,token-in-callback,callback-error,hostile-callback-text,discovery-wrong-issuer,discovery-slash-issuer,discovery-http-endpoint,discovery-script-endpoint,discovery-no-token-endpoint,discovery-html,discovery-404,discovery-500,discovery-redirect,discovery-plain-pkce-only,discovery-no-pkce,resource-wrong,requires-par,par-expired,par-error,par-500,par-redirect,slow-down,device-denied,device-expired,device-no-interval,device-hostile-uri,register-other-redirect,register-expired-secret,register-refused,id-token-rs256,id-token-alg-none,id-token-hs256,id-token-bad-signature,id-token-jku-header,id-token-crit-header,id-token-wrong-iss,id-token-wrong-aud,id-token-array-aud,id-token-extra-aud,id-token-wrong-azp,id-token-expired,id-token-future,id-token-no-nonce,id-token-wrong-nonce,id-token-missing-sub,id-token-missing-iat,id-token-missing-exp,id-token-missing-aud,id-token-bad-at-hash,id-token-missing,refresh-other-sub,refresh-other-iss,refresh-other-aud,jwks-rotated,jwks-wrong,jwks-empty,jwks-no-kid,jwks-many,jwks-500,userinfo-other-sub,userinfo-html,userinfo-401,revoke-500,revoke-503,revoke-redirect,introspect-inactive,dpop-nonce --access-ttl=@nothing --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    'oauthctl serve')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing+'
        ;;
    'oauthctl tenant')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='@nothing+'
        ;;
    'oauthctl completions')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='bash,elvish,fish,powershell,zsh'
        ;;
    'oauthctl man')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--dir=@directories --config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='login,token,exec,api,proxy,agent,refresh,status,doctor,logout,userinfo,introspect,inspect,discover,start,complete,pending,attr,credential,profile,providers,store,export,import,demo,uninstall,sandbox,serve,tenant,completions,man,help,version+'
        ;;
    'oauthctl help')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        arguments='login,token,exec,api,proxy,agent,refresh,status,doctor,logout,userinfo,introspect,inspect,discover,start,complete,pending,attr,credential,profile,providers,store,export,import,demo,uninstall,sandbox,serve,tenant,completions,man,help,version,configuration,logging-in,headless,login-by-url,machines,client-authentication,fapi,credential-helpers,api-requests,token-proxy,token-agent,ci,stores,environment,exit-codes,options,topics+'
        ;;
    'oauthctl version')
        flags='--json -q --quiet -v --verbose --trace --no-input -h --help'
        options='--config=@files --store=keyring,file,command,agent --trace-har=@files --color=auto,always,never'
        ;;
    esac
}

# Prints the values of a source that may begin with $typed, each on a line.
__oauthctl_values() {
    case $1 in
    '' | @nothing) ;;
    @files) compgen -f -- "$typed" ;;
    @directories) compgen -d -- "$typed" ;;
    @programs) compgen -c -- "$typed" ;;
    @*) command oauthctl __names "${1#@}" -- "${line[@]}" 2>/dev/null ;;
    *) compgen -W "${1//,/ }" -- "$typed" ;;
    esac
}

# Offers the values of a source. Readline replaces only what follows $lead.
__oauthctl_offer() {
    local value
    while IFS= read -r value; do
        [[ $value == "$typed"* ]] || continue
        [[ $1 == @files || $1 == @directories ]] || printf -v value %q "$value"
        COMPREPLY+=("${value#"$lead"}")
    done < <(__oauthctl_values "$1")
    if [[ $1 == @files || $1 == @directories ]] && type compopt &>/dev/null; then
        compopt -o filenames 2>/dev/null
    fi
}

_oauthctl() {
    local -a line
    local IFS=$' \t\n' commands flags options arguments
    local command=oauthctl option='' literal='' place=0 typed lead word i
    COMPREPLY=()
    # The words as they are typed: readline breaks its own at `=`, `:` and `@` too.
    if [[ -n ${COMP_LINE-} ]]; then
        read -ra line <<<"${COMP_LINE:0:COMP_POINT}"
        [[ ${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]] && line+=('')
    else
        line=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
    fi
    i=$((${#line[@]} - 1))
    typed=${line[i]}
    line=("${line[@]:0:i}")
    __oauthctl_describe "$command"
    for word in "${line[@]:1}"; do
        if [[ -n $literal ]]; then
            ((place++))
        elif [[ -n $option ]]; then
            option=''
        elif [[ $word == -- ]]; then
            literal=yes place=0
        elif [[ " $options" == *" $word="* ]]; then
            option=$word
        elif [[ $word == -?* ]]; then
            :
        elif [[ " $commands " == *" $word "* ]]; then
            command+=" $word"
            __oauthctl_describe "$command"
        else
            ((place++))
        fi
    done
    local source=''
    if [[ -z $option && -z $literal && $typed == --*=* ]]; then
        option=${typed%%=*} typed=${typed#*=}
    fi
    lead=${typed%"$2"}
    if [[ -n $literal ]]; then
        # The command of another program, and its arguments.
        source=@files
        ((place == 0)) && source=@programs
    elif [[ -n $option ]]; then
        source=" $options "
        source=${source#*" $option="}
        source=${source%% *}
    elif [[ $typed == -* ]]; then
        for word in $options; do
            flags+=" ${word%%=*}"
        done
        source=$flags
    elif [[ -n $commands ]]; then
        source=$commands
    else
        for word in $arguments; do
            source=$word
            ((place-- == 0)) && break
            [[ $word == *+ ]] || source=''
        done
        source=${source%+}
    fi
    __oauthctl_offer "$source"
}

if [[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]]; then
    complete -F _oauthctl -o nosort oauthctl
else
    complete -F _oauthctl oauthctl
fi
