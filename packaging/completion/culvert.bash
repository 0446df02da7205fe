# Completion of culvert and culvertd for bash: what they take is what their --help says.
# SPDX-License-Identifier: Apache-2.0

_culvert_commands() { "$1" help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'; }
_culvert_options() { "$@" --help 2>/dev/null | grep -oE '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,'; }
_culvert_names() { # connections and their children, as the daemon has them
    "$1" status --json-lines 2>/dev/null | grep -oE '"name":"[^"]*"|"children":\[[^]]*\]' |
        sed -E 's/^"(name|children)"://' | tr -d '[]"' | tr ',' '\n' | sort -u
}

_culvert() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= word
    for word in "${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}"; do
        case $word in -*) ;; *) command=$word; break ;; esac
    done
    COMPREPLY=()
    case $before in
        --sa | --in | --out) COMPREPLY=($(compgen -f -- "$current")); return ;;
        --run-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
        --sort) COMPREPLY=($(compgen -W "name identity address state since seen bytes drops" -- "$current")); return ;;
        --timeout | --peer) return ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$(_culvert_options "$1" $command)" -- "$current"))
    elif [ -z "$command" ]; then
        COMPREPLY=($(compgen -W "$(_culvert_commands "$1")" -- "$current"))
    else
        case $command in
            help) COMPREPLY=($(compgen -W "$(_culvert_commands "$1")" -- "$current")) ;;
            check) COMPREPLY=($(compgen -f -- "$current")) ;;
            packet) COMPREPLY=($(compgen -W "open seal explain" -- "$current")) ;;
            status | up | down) COMPREPLY=($(compgen -W "$(_culvert_names "$1")" -- "$current")) ;;
        esac
    fi
}

_culvertd() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    case $before in
        -c | --config) COMPREPLY=($(compgen -f -- "$current")) ;;
        --run-dir | --state-dir) COMPREPLY=($(compgen -d -- "$current")) ;;
        --dataplane) COMPREPLY=($(compgen -W "auto user" -- "$current")) ;;
        *) COMPREPLY=($(compgen -W "$(_culvert_options "$1")" -- "$current")) ;;
    esac
}

complete -o default -F _culvert culvert
complete -o default -F _culvertd culvertd
