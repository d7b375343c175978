# Completions of oauthctl for bash. The names of profiles and accounts come from the program.

# Sets what may follow a command: commands, flags, options with the source of their values, and the sources
# of arguments.
__oauthctl_describe() {
    commands='' flags='' options='' arguments=''
    case $1 in
    # TABLE
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
