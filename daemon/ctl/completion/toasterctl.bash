# bash completion for toasterctl. What may stand where is asked of toasterctl itself (its verb
# complete), so this file knows no verb. No word that was typed, and none that comes back, is ever
# evaluated.

# The words of the line as a shell would split them, for readline breaks them at ":" and "@", too:
# those that no blank parts belong together. In `words`; the last is the one that is being written.
_toasterctl_words() {
    local rest=$COMP_LINE i word
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ -n $rest && $rest != [[:blank:]]* && -n $word ]]; then
            words[${#words[@]} - 1]+=$word
        else
            rest=${rest#"${rest%%[![:blank:]]*}"}
            words+=("$word")
        fi
        rest=${rest#"$word"}
    done
}

# A word without the quotes that it was written in; variables and commands in it stay as they are.
_toasterctl_plain() {
    local word=$1
    case $word in
    \'*\') word=${word:1:${#word}-2} ;;
    \"*\") word=${word:1:${#word}-2} ;;
    \~/*) word=$HOME/${word:2} ;;
    *) word=${word//\\/} ;;
    esac
    REPLY=$word
}

_toasterctl() {
    local program=$1 words line candidate i files=
    local REPLY asked=()
    COMPREPLY=()
    _toasterctl_words
    for ((i = 1; i < ${#words[@]}; i++)); do
        _toasterctl_plain "${words[i]}"
        asked+=("$REPLY")
    done
    _toasterctl_plain "$program"
    program=$REPLY
    type -P -- "$program" >/dev/null || return 0

    # readline takes for the word only what begins at the last "@", which titles may have in them.
    local current=${words[${#words[@]} - 1]} before=
    if [[ $COMP_WORDBREAKS == *@* && $current == *@* ]]; then before=${current%@*}; fi

    while IFS= read -r line; do
        candidate=${line%%$'\t'*}
        if [[ $candidate == :files ]]; then
            files=1
        elif [[ $candidate == "$before"* ]]; then
            candidate=${candidate#"$before"}
            COMPREPLY+=("${candidate//\*/\\*}")
        fi
    done < <("$program" complete -- "${asked[@]}" 2>/dev/null)

    # readline knows best how to quote the names of files.
    if [[ -n $files ]]; then compopt -o bashdefault -o default 2>/dev/null; fi
    return 0
}

complete -F _toasterctl toasterctl
