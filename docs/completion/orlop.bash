# SPDX-License-Identifier: Apache-2.0
# bash completion of orlop: commands and options as the program itself names them, ids of the containers there are.

# Options in the help text on standard input, long and short.
_orlop_options () {
  sed -n '/^Options:/,$ s/^ *\(-[^ ,]*\)\(, \(--[^ ]*\)\)\{0,1\}.*/\1 \3/p'
}

# Options in the help text on standard input that are followed by a value: those with a word in capitals or alternatives after them.
_orlop_valued () {
  sed -n '/^Options:/,$ s/^ *\(-[^ ,]*\)\(, \(--[^ ]*\)\)\{0,1\} \([A-Z][A-Z:=\[\]*\|[a-z]*|[a-z|]*\)  *.*/\1 \3/p' | tr '\n' ' '
}

_orlop () {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} orlop=${COMP_WORDS[0]} command='' help i
  local -a globals=()
  COMPREPLY=()

  help=$("$orlop" --help 2>/dev/null) || return 0
  local valued=" $(_orlop_valued <<<"$help")"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*=*) globals+=("${COMP_WORDS[i]}") ;;
      -*)
        globals+=("${COMP_WORDS[i]}")
        if [[ $valued == *" ${COMP_WORDS[i]} "* ]]; then
          ((++i < COMP_CWORD)) || break
          # readline splits at "=": "--root" "=" "DIR"
          [[ ${COMP_WORDS[i]} != = ]] || ((++i < COMP_CWORD)) || break
          globals+=("${COMP_WORDS[i]}")
        fi ;;
      *) command=${COMP_WORDS[i]}; break ;;
    esac
  done

  if [[ -z $command ]]; then
    if [[ $valued == *" $prev "* ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [[ $cur == -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "$(_orlop_options <<<"$help")" -- "$cur")
    else
      mapfile -t COMPREPLY < <(compgen -W "$(sed -n '/^Commands:/,/^$/ s/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$help")" -- "$cur")
    fi
    return 0
  fi

  help=$("$orlop" "$command" --help 2>/dev/null) || return 0
  valued=" $(_orlop_valued <<<"$help")"
  if [[ $valued == *" $prev "* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_orlop_options <<<"$help")" -- "$cur")
  elif [[ $help == Usage:*CONTAINER* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("$orlop" "${globals[@]}" list --quiet 2>/dev/null)" -- "$cur")
  fi
}

complete -o filenames -F _orlop orlop
