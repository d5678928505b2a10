// The half of process ownership that runs on the host: one constant POSIX sh script, no Python, no tool beyond
// setsid, readlink, sed, dd and ls. What the host says is judged by the process-stop guard; what the guard grants is
// judged once more here, right before each signal.

/**
 * Arguments: `start RECORD TOKEN LOG AGILAB_RECORD AGILAB_TARGET PROGRAM [ARG]...`, `look RECORD`, or
 * `stop RECORD BOOT NAMESPACE PID TICK UID TOKEN SECONDS`. AGILAB_TARGET is a JSON string; an empty AGILAB_RECORD
 * writes none.
 */
export const OWNERSHIP_SCRIPT: string = String.raw`
set -u
umask 077
LC_ALL=C
export LC_ALL

# Fields of proc_pid_stat(5), counted from the last ')': the name before it may hold anything, newlines too.
fields() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -f
  set -- $(printf '%s\n' "$stat" | sed -e ':a' -e '$!{N;ba' -e '}' -e 's/.*)//')
  set +f
  state=$1 session=$4
  shift 19
  tick=$1
}
# A zombie answers to kill -0 but is dead.
alive() { fields "$1" && [ "$state" != Z ] && [ "$state" != X ]; }
owner_of() { sed -n 's/^Uid:[[:blank:]]*\([0-9]*\).*/\1/p' "/proc/$1/status" 2>/dev/null; }
here() {
  read -r boot </proc/sys/kernel/random/boot_id && ns=$(readlink /proc/self/ns/pid) && uid=$(id -u) || {
    echo 'refused no-proc'
    exit 0
  }
}
epoch() {
  hz=$(getconf CLK_TCK 2>/dev/null) || hz=100
  btime=$(sed -n 's/^btime //p' /proc/stat)
}

look() {
  here
  epoch
  printf 'host %s %s %s %s %s\n' "$boot" "$ns" "$uid" "$hz" "$btime"
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo 'file missing'; return; fi
  # Before it is opened: a FIFO would hold us for ever.
  if [ -L "$1" ] || [ ! -f "$1" ] || [ ! -r "$1" ]; then echo 'file special'; return; fi
  set -f
  folder=${'$'}{1%/*}/
  set -- "$1" $(ls -ldn -- "$1")
  printf 'file %s %s\n' "$2" "$4"
  set -- "$1" $(ls -ldn -- "$folder.")
  printf 'folder %s %s\n' "$2" "$4"
  set +f
  text=$(dd if="$1" bs=4096 count=1 2>/dev/null | tr -d '\000')
  case $text in
  agilab-process-owner-v1' '*) pid=$(printf '%s\n' "$text" | sed -n '1s/^[^ ]* [^ ]* [^ ]* \([1-9][0-9]*\) .*/\1/p') ;;
  *) pid=$(printf '%s\n' "$text" | sed -n 's/.*"pid": *\([1-9][0-9]*\).*/\1/p') ;;
  esac
  case $pid in
  '' | *[!0-9]* | ??????????*) echo 'process none' ;;
  *) if alive "$pid"; then
    printf 'process %s %s %s\n' "$pid" "$tick" "$(owner_of "$pid")"
  else
    printf 'process %s gone\n' "$pid"
  fi ;;
  esac
  printf 'record\n%s\n' "$text"
}

start() {
  record=$1
  here
  command -v setsid >/dev/null || { echo 'refused no-setsid'; return; }
  # One starter at a time, so that two of them cannot both take over the record of a dead process.
  mkdir "$record.lock" 2>/dev/null || {
    if [ -e "$record.lock" ]; then echo 'refused locked'; else echo 'refused record'; fi
    return
  }
  if [ -e "$record" ] || [ -L "$record" ]; then
    old=
    [ -f "$record" ] && [ ! -L "$record" ] && read -r old <"$record"
    set -f
    set -- "$@" $old
    set +f
    dead=no
    [ $# -eq 8 ] && shift && [ "$1 $2 $3" = "agilab-process-owner-v1 $boot $ns" ] &&
      { ! alive "$4" || [ "$tick" != "$5" ]; } && dead=yes
    [ "$dead" = yes ] || { rmdir "$record.lock"; echo 'refused busy'; return; }
    rm -f -- "$record"
  fi
  echo ready
}

# Runs as the process itself, so that its pid and start tick are those of the program that it becomes.
# Files are made, never overwritten: a link planted under a name of ours must not lead us to another file.
owned='
  set -uC
  umask 077
  record=$1 token=$2 log=$3 agilab=$4 target=$5
  boot=$6 ns=$7 uid=$8 hz=$9 btime=${'$'}{10}
  shift 10
  stat=$(cat "/proc/$$/stat") || exit 1
  tick=$(set -f; set -- ${'$'}{stat##*\)}; shift 19; echo "$1")
  { :; } >>"$log" || { echo "refused log"; exit 1; }
  printf "agilab-process-owner-v1 %s %s %s %s %s %s\n" "$boot" "$ns" "$$" "$tick" "$uid" "$token" >"$record.$$" &&
    ln -- "$record.$$" "$record" || { rm -f -- "$record.$$"; echo "refused record"; exit 1; }
  rm -f -- "$record.$$"
  if [ -n "$agilab" ]; then
    # Two digits as Python writes them: no second zero at the end.
    part=$(printf %02d "$((tick % hz * 100 / hz))")
    printf "{\n  \"pid\": %d,\n  \"process_start_time\": %d.%s,\n  \"schema\": \"agilab-dask-pid-owner-v1\",\n  \"target\": %s\n}\n" \
      "$$" "$((btime + tick / hz))" "${'$'}{part%0}" "$target" >"$agilab.$$" &&
      mv -f -- "$agilab.$$" "$agilab" || { rm -f -- "$agilab.$$" "$record"; echo "refused record"; exit 1; }
  fi
  GUARDRAILS_OWNER=$token
  export GUARDRAILS_OWNER
  echo "started $boot $ns $$ $tick $uid"
  exec "$@" >>"$log" 2>&1 </dev/null
'

# The session of the leader while it lives, as PID:TICK. The kernel gives no new process a pid that is still a session.
members() {
  for entry in /proc/[0-9]*; do
    one=${'$'}{entry#/proc/}
    [ "$one" = "$1" ] || ! alive "$one" || [ "$session" != "$1" ] || printf '%s:%s\n' "$one" "$tick"
  done
}
same() { alive "$1" && [ "$tick" = "$2" ] && [ "$(owner_of "$1")" = "$uid" ]; }
any_left() {
  for one in $ours; do
    ! same "${'$'}{one%:*}" "${'$'}{one#*:}" || return 0
  done
  return 1
}
up() { read -r now _ </proc/uptime && echo "${'$'}{now%%.*}"; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
carries() { tr '\000' '\n' <"/proc/$1/environ" 2>/dev/null | grep -Fqx "GUARDRAILS_OWNER=$2"; }

stop() {
  record=$1 pid=$4 start=$5 token=$7 seconds=$8
  here
  if [ "$boot $ns $uid" != "$2 $3 $6" ] || ! same "$pid" "$start"; then echo 'ended gone'; return; fi
  ours="$(members "$pid") $pid:$start"
  begin=$(up)
  deadline=$((begin + seconds))
  # Exactly one TERM, to the leader alone: a second one makes a Dask worker die without cleaning up.
  same "$pid" "$start" && kill -s TERM "$pid" 2>/dev/null
  while any_left && [ "$(up)" -lt "$deadline" ]; do nap; done
  how=TERM
  if any_left; then
    how=KILL
    ! same "$pid" "$start" || ours="$(members "$pid") $pid:$start"
    # The leader goes last: as long as it holds its pid, no stranger can get into its session.
    for one in $ours; do
      ! same "${'$'}{one%:*}" "${'$'}{one#*:}" || kill -s KILL "${'$'}{one%:*}" 2>/dev/null
    done
    while any_left && [ "$(up)" -lt "$((deadline + 5))" ]; do nap; done
  fi
  left=
  for one in $(members "$pid"); do
    if carries "${'$'}{one%:*}" "$token"; then
      how=KILL
      kill -s KILL "${'$'}{one%:*}" 2>/dev/null
    else
      left="$left ${'$'}{one%:*}"
    fi
  done
  if any_left; then echo 'ended not'; return; fi
  # The record goes only if it is still this one: a new start may have put its own there.
  case $(dd if="$record" bs=4096 count=1 2>/dev/null | tr -d '\000') in
  *" $pid $start "* | *"\"pid\": $pid,"*) rm -f -- "$record" ;;
  esac
  echo "ended $how $(($(up) - begin))$left"
}

case $1 in
look) look "$2" ;;
stop) shift; stop "$@" ;;
start)
  shift
  epoch
  answer=$(start "$1")
  if [ "$answer" = ready ]; then
    here
    record=$1 token=$2 log=$3 agilab=$4 target=$5
    shift 5
    # A pipe and one line, not a command substitution: some shells would wait for the program to end.
    (
      setsid /bin/sh -c "$owned" owned "$record" "$token" "$log" "$agilab" "$target" \
        "$boot" "$ns" "$uid" "$hz" "$btime" "$@" </dev/null 2>/dev/null &
    ) | {
      read -r answer || answer='refused failed'
      rmdir "$record.lock"
      printf '%s\n' "$answer"
    }
  else
    printf '%s\n' "$answer"
  fi
  ;;
esac
`;
