# SPDX-License-Identifier: Apache-2.0
# bash completion of orlop and orlop-image: commands and options as the program itself names them, ids of the containers and images there are.

# Options in the help text on standard input, long and short.
_orlop_options () {
  sed -n '/^Options:/,$ s/^ *\(-[^ ,]*\)\(, \(--[^ ]*\)\)\{0,1\}.*/\1 \3/p'
}

# What may follow the option $1 in the help text on standard input, if that is one of a few words.
_orlop_choices () {
  sed -n "/^Options:/,\$ s/^ *\(-[^ ], \)\{0,1\}$1\(, --[^ ]*\)\{0,1\} \([^ ]*|[^ ]*\)  .*/\3/p" | tr '|' ' '
}

# Completes $2, the value of option $1 of the help text on standard input: one of its words, or a file.
_orlop_value () {
  local choices
  choices=$(_orlop_choices "$1")
  if [[ -n $choices ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$2")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$2")
  fi
}

# Options in the help text on standard input that are followed by a value: one space parts them from its name, two from their help.
_orlop_valued () {
  sed -n '/^Options:/,$ s/^ *\(-[^ ,]*\)\(, \(--[^ ]*\)\)\{0,1\} [^ ][^ ]*  .*/\1 \3/p' | tr '\n' ' '
}

_orlop () {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} orlop=${COMP_WORDS[0]} command='' help valued i
  local -i operands=0
  local -a globals=() usage=()
  COMPREPLY=()

  # readline splits at "=": "--root" "=" "DIR"
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
  help=$("$orlop" --help 2>/dev/null) || return 0
  valued=" $(_orlop_valued <<<"$help")"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*=*) [[ -n $command ]] || globals+=("${COMP_WORDS[i]}") ;;
      -*)
        [[ -n $command ]] || globals+=("${COMP_WORDS[i]}")
        if [[ $valued == *" ${COMP_WORDS[i]} "* ]]; then
          ((++i < COMP_CWORD)) || break
          [[ ${COMP_WORDS[i]} != = ]] || ((++i < COMP_CWORD)) || break
          [[ -n $command ]] || globals+=("${COMP_WORDS[i]}")
        fi ;;
      *)
        if [[ -z $command ]]; then
          command=${COMP_WORDS[i]}
          if [[ $command != help ]]; then
            help=$("$orlop" "$command" --help 2>/dev/null) || return 0
            valued=" $(_orlop_valued <<<"$help")"
          fi
        else
          operands+=1
        fi ;;
    esac
  done

  if [[ $valued == *" $prev "* ]]; then
    _orlop_value "$prev" "$cur" <<<"$help"
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_orlop_options <<<"$help")" -- "$cur")
  elif [[ -z $command || $command == help ]]; then
    ((operands > 0)) || mapfile -t COMPREPLY < <(compgen -W "$(sed -n '/^Commands:/,/^$/ s/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$help")" -- "$cur")
  else
    read -ra usage < <(sed -n '1s/^Usage: [^]]*\] //p' <<<"$help") || true
    if ((${#usage[@]} > 0 && operands >= ${#usage[@]})) && [[ ${usage[-1]} == *... ]]; then operands=$((${#usage[@]} - 1)); fi
    case ${usage[operands]-} in
      CONTAINER* | IMAGE*) mapfile -t COMPREPLY < <(compgen -W "$("$orlop" "${globals[@]}" list --quiet 2>/dev/null)" -- "$cur") ;;
      *FILE* | *SOURCE* | BUNDLE*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
      *'|'*) mapfile -t COMPREPLY < <(compgen -W "${usage[operands]//|/ }" -- "$cur") ;;
    esac
  fi
}

complete -o filenames -F _orlop orlop orlop-image
