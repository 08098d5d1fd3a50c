# Sourced by cox: `cox softcuda [OPTION...] COMMAND...` runs a cox command on the software CUDA driver, and
# `cox softcuda [OPTION...] exec PROGRAM...` any program that uses the driver API. A finding of its checkers makes the
# exit code 1 where the program itself says 0. native/softcuda/README.md has the whole list of settings (SOFTCUDA_*).

softcuda_usage() {
  cat <<'TEXT'
Usage: cox softcuda [OPTION...] COMMAND [ARGUMENT...]
       cox softcuda [OPTION...] exec PROGRAM [ARGUMENT...]
Runs a command of cox, or a program, on the software CUDA driver: no time it shows is a GPU's.
  --counters FILE       what each kernel did, a JSON object a line
  --findings FILE       what the checkers found, a JSON object a line
  --seed N              order of lanes, warps, CTAs and asynchronous work (default 0)
  --order ORDER         of asynchronous work: late (default), random or eager
  --device-preset GPU   sm_80 (A100), sm_89 (L4) or sm_90 (H100, the default)
  --checks LIST         all (default), none, bounds, uninitialized, shared-race, global-race, barrier, pageable;
                        '-NAME' leaves one out: all,-pageable
TEXT
}

softcuda_bad() { die "softcuda: $1; see cox softcuda --help" 2; }
softcuda_one_of() { # OPTION VALUE CHOICE...
  local option=$1 value=$2
  shift 2
  [[ " $* " == *" $value "* && -n $value ]] || softcuda_bad "$option '$value': expected one of $*"
}
softcuda_checks() { # LIST
  local check checks
  IFS=, read -r -a checks <<<"$1"
  [ "${#checks[@]}" -gt 0 ] || softcuda_bad "--checks '': expected a list of checks"
  for check in "${checks[@]}"; do
    softcuda_one_of --checks "${check#-}" all none bounds uninitialized shared-race global-race barrier pageable
  done
}
# Where a file is named: made empty, so that what is in it afterwards is this run's.
softcuda_file() { # OPTION FILE
  { : >"$2"; } 2>/dev/null || die "softcuda: $1: cannot write '$2'"
  readlink -f -- "$2"
}

softcuda_options() { # OPTION... COMMAND...
  while [[ ${1:-} == -* ]]; do
    case $1 in
      -h | --help) softcuda_usage; exit 0 ;;
      --counters | --findings | --seed | --order | --device-preset | --checks)
        [ $# -ge 2 ] || softcuda_bad "$1 needs a value" ;;
      *) softcuda_bad "unknown option '$1'" ;;
    esac
    case $1 in
      --counters) SOFTCUDA_COUNTERS=$(softcuda_file "$1" "$2") || exit ;;
      --findings) SOFTCUDA_FINDINGS=$(softcuda_file "$1" "$2") || exit ;;
      --seed) [[ $2 =~ ^[0-9]{1,18}$ ]] || softcuda_bad "--seed '$2': expected a number"; SOFTCUDA_SEED=$2 ;;
      --order) softcuda_one_of "$1" "$2" late random eager; SOFTCUDA_ORDER=$2 ;;
      --device-preset) softcuda_one_of "$1" "$2" sm_80 sm_89 sm_90; SOFTCUDA_DEVICE_PRESET=$2 ;;
      --checks) softcuda_checks "$2"; SOFTCUDA_CHECKS=$2 ;;
    esac
    shift 2
  done
  SOFTCUDA_COMMAND=("$@")
}

softcuda_build() {
  local now
  now=$(native_fingerprint)
  is_current softcuda "$now" && return 0
  . "$COX_ROOT/scripts/build.sh"
  step 'building the software CUDA driver' softcuda.txt "$COX_ROOT/native/build.sh" release softcuda
  stamp softcuda "$now"
}

run_script() {
  local findings code=0 count own=
  set -a # what softcuda_options sets is the program's environment
  softcuda_options "$@"
  set +a
  [ ${#SOFTCUDA_COMMAND[@]} -gt 0 ] || softcuda_bad 'no command given'
  if [ "${SOFTCUDA_COMMAND[0]}" = exec ]; then
    SOFTCUDA_COMMAND=("${SOFTCUDA_COMMAND[@]:1}")
    [ ${#SOFTCUDA_COMMAND[@]} -gt 0 ] || softcuda_bad 'exec: no program given'
    type -P -- "${SOFTCUDA_COMMAND[0]}" >/dev/null || die "softcuda: exec: no program '${SOFTCUDA_COMMAND[0]}'"
  else
    SOFTCUDA_COMMAND=("$COX_ROOT/cox" "${SOFTCUDA_COMMAND[@]}")
  fi
  softcuda_build
  if [ -z "${SOFTCUDA_FINDINGS:-}" ]; then
    SOFTCUDA_FINDINGS=$(mktemp) own=yes
  fi
  export SOFTCUDA_FINDINGS
  LD_LIBRARY_PATH=$BUILD/release/softcuda${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "${SOFTCUDA_COMMAND[@]}" || code=$?
  count=$(wc -l <"$SOFTCUDA_FINDINGS")
  if [ "$own" ]; then rm -f "$SOFTCUDA_FINDINGS"; fi
  if [ "$count" -gt 0 ]; then
    say "softcuda: $count finding(s)"
    [ $code -ne 0 ] || code=1
  fi
  exit $code
}
