// The half of process ownership that runs on the host: one constant POSIX sh script, no Python, no tool beyond setsid,
// awk, find, grep, sed, xargs and what else POSIX has. What the host says is judged by the process-stop guard; what the
// guard grants is judged once more here, right before each signal.
//
// What is owned is a set, not a process: a leader may end and leave its children. In an own cgroup the set is complete.
// Where no cgroup can be made, it is all that carries the token in its environment or is in the session of the leader,
// and a process that does away with both is not found.

/**
 * Arguments: `start RECORD TOKEN LOG AGILAB_RECORD AGILAB_TARGET PROGRAM [ARG]...`, `look RECORD`,
 * `listeners RECORD TOKEN`, or `stop RECORD BOOT NAMESPACE PID TICK UID TOKEN CGROUP SECONDS`. AGILAB_TARGET is a JSON
 * string; an empty AGILAB_RECORD writes none. TOKEN and CGROUP are empty for a record that has none.
 */
export const OWNERSHIP_SCRIPT: string = String.raw`
set -u
# What a program gets that is started: its own locale and mask, not ours.
locale=${'$'}{LC_ALL-} has_locale=${'$'}{LC_ALL+yes} mask=$(umask)
umask 077
LC_ALL=C
export LC_ALL

# look_at(PID) reads proc_pid_stat(5): fields are counted from the last ')', since the name before it may hold anything,
# newlines too. A zombie is dead, unless only its first thread has ended.
stat='
  function look_at(pid,  file, line, text, part) {
    file = "/proc/" pid "/stat"
    while ((getline line < file) > 0) text = text line "\n"
    close(file)
    if (!match(text, /.*[)]/)) return 0
    split(substr(text, RLENGTH + 2), part, " ")
    session = part[4]
    tick = part[20]
    return part[1] != "X" && (part[1] != "Z" || part[18] > 1)
  }
'
# Of words PID:TICK, those that live.
living() {
  printf '%s\n' "$@" | awk "$stat"'{ split($0, one, ":") } look_at(one[1]) && tick == one[2] { print }'
}
tick_of() { awk "$stat"'BEGIN { if (look_at(ARGV[1])) print tick }' "$1"; }
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

# A cgroup of ours: made by start, named by the token, and written down in the record.
is_cgroup() {
  case $1 in
  '' | *..* | *[!A-Za-z0-9/._@:-]*) return 1 ;;
  "/sys/fs/cgroup/guardrails-$2" | /sys/fs/cgroup/*"/guardrails-$2" | /sys/fs/cgroup/*"/guardrails-$2.scope") ;;
  *) return 1 ;;
  esac
}
# All processes in one go: one grep each for the token and the session, whatever their number. Prints pids and the files
# that were found.
candidates() {
  [ -z "$cgroup" ] || find "$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null
  [ -z "$token" ] || printf '%s\n' /proc/[0-9]*/environ |
    xargs grep -lzFx -e "GUARDRAILS_OWNER=$token" 2>/dev/null
  printf '%s\n' /proc/[0-9]*/stat | xargs grep -lE -e "[)] [A-Za-z] [0-9]+ [0-9]+ $pid " 2>/dev/null
}
# Sets leader (PID:TICK, or empty when it has ended), own (the set) and alone: what is in the session of a leader that
# has ended, and was not seen there before. If its pid lives again its session is empty: the kernel gives no process a
# pid that is still the number of a session.
known=
scan() {
  own= alone= leader=$(living "$pid:$start")
  for one in $(
    { [ -z "$leader" ] || echo "$pid"; candidates; } | awk -F/ -v pid="$pid" -v start="$start" "$stat"'
      { one = NF > 1 ? $3 : $1; seen[one] = 1 }
      $4 != "stat" { own[one] = 1 }
      END {
        lives = look_at(pid)
        led = lives && tick == start
        for (one in seen) {
          if (!look_at(one)) continue
          if (one in own || led && session == pid) print "own:" one ":" tick
          else if (!lives && session == pid) print "alone:" one ":" tick
        }
      }'
  ); do
    one=${'$'}{one%%:*}' '${'$'}{one#*:}
    case $one,$known' ' in
    own*) own="$own ${'$'}{one#* }" ;;
    *,*" ${'$'}{one#* } "*) own="$own ${'$'}{one#* }" ;;
    *) alone="$alone ${'$'}{one#* }" ;;
    esac
  done
  [ -z "$leader" ] || known=$own
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
  text=$(dd if="$1" bs=4096 count=1 2>/dev/null | tr -d '\000')
  start= token= cgroup=
  case $text in
  agilab-process-owner-v1' '*)
    set -- $text x x x x x x x x
    pid=$4 start=$5 token=$7
    case $token in *[!0-9a-f]*) token= ;; esac
    ! is_cgroup "$8" "$token" || cgroup=$8 ;;
  *) pid=$(printf '%s\n' "$text" | sed -n 's/.*"pid": *\([1-9][0-9]*\).*/\1/p') ;;
  esac
  set +f
  case $pid in
  '' | *[!0-9]* | ??????????*)
    echo 'process none'
    echo 'set 0 0' ;;
  *)
    now=$(tick_of "$pid")
    if [ -n "$now" ]; then
      printf 'process %s %s %s\n' "$pid" "$now" "$(owner_of "$pid")"
    else
      printf 'process %s gone\n' "$pid"
    fi
    [ -n "$start" ] || start=$now
    scan
    set -- $own
    count=$#
    set -- $alone
    printf 'set %s %s\n' "$count" "$#" ;;
  esac
  printf 'record\n%s\n' "$text"
}

# Prints the directory of a new cgroup below our own, if processes can be put into it.
make_cgroup() {
  for kind in 'cgroup2 ' 'cgroup [^ ]*,pids[, ]'; do
    top=$(sed -n "s|^[^ ]* \(/sys/fs/cgroup[^ ]*\) $kind.*|\1|p" /proc/self/mounts | head -n 1)
    case $kind in
    cgroup2*) path=$(sed -n 's/^0:://p' /proc/self/cgroup) ;;
    *) path=$(sed -n 's/^[0-9]*:\([^:]*,\)*pids\(,[^:]*\)*://p' /proc/self/cgroup) ;;
    esac
    dir=$top${'$'}{path%/}/guardrails-$1
    [ -n "$top" ] && is_cgroup "$dir" "$1" && mkdir "$dir" 2>/dev/null || continue
    if (echo 0 >"$dir/cgroup.procs") 2>/dev/null; then
      echo "$dir"
      return
    fi
    rmdir "$dir"
  done
}
# A user manager ends its scopes with the last log-out of the user, unless the user lingers (loginctl(1)).
has_scopes() {
  [ -d /run/systemd/system ] && [ -S "/run/user/$uid/systemd/private" ] &&
    [ -e "/var/lib/systemd/linger/$(id -un)" ] &&
    XDG_RUNTIME_DIR=/run/user/$uid systemd-run --user --scope --quiet --collect -- true >/dev/null 2>&1
}

# Says why a start cannot be, or nothing; then the lock is ours. One starter at a time, so that two of them cannot both
# take over the record of processes that have ended.
admit() {
  command -v setsid >/dev/null || { echo 'refused no-setsid'; return; }
  mkdir "$record.lock" 2>/dev/null || {
    if [ -e "$record.lock" ]; then echo 'refused locked'; else echo 'refused record'; fi
    return
  }
  [ -e "$record" ] || [ -L "$record" ] || return
  (
    old= cgroup=
    [ -f "$record" ] && [ ! -L "$record" ] && read -r old <"$record"
    set -f
    set -- $old x x x x x x x x
    set +f
    [ "$1 $2 $3" = "agilab-process-owner-v1 $boot $ns" ] || exit 1
    pid=$4 start=$5 token=$7
    ! is_cgroup "$8" "$token" || cgroup=$8
    scan
    [ -z "$own$alone" ] && { clear_cgroup; :; }
  ) || { rmdir "$record.lock"; echo 'refused busy'; return; }
  rm -f -- "$record" "$record".term-*
}

# Runs as the process itself, so that its pid and start tick are those of the program that it becomes. Files are made,
# never overwritten: a link planted under a name of ours must not lead us to another file.
owned='
  set -uC
  umask 077
  token=$1 record=$2 log=$3 agilab=$4 target=$5
  boot=$6 ns=$7 uid=$8 hz=$9 btime=${'$'}{10} cgroup=${'$'}{11} mask=${'$'}{12}
  shift 12
  if [ -n "$cgroup" ]; then
    echo 0 >|"$cgroup/cgroup.procs" || exit 120
  else
    cgroup=$(sed -n "s|^0::\(.*/guardrails-$token[.]scope\)$|/sys/fs/cgroup\1|p" /proc/self/cgroup)
    case $cgroup in *[!A-Za-z0-9/._@:-]*) cgroup= ;; esac
    [ -d "$cgroup" ] || cgroup=
  fi
  stat=$(cat "/proc/$$/stat") || exit 120
  tick=$(set -f; set -- ${'$'}{stat##*\)}; shift 19; echo "$1")
  # A link above the log is followed where root or we made it, and no other: whoever can put one there chooses the file.
  links() (
    todo=${'$'}{1#/}/ path= hops=0
    while [ -n "$todo" ]; do
      part=${'$'}{todo%%/*} todo=${'$'}{todo#*/}
      case $part in
      "" | .) continue ;;
      ..) path=${'$'}{path%/*}; continue ;;
      esac
      path=$path/$part
      [ -L "$path" ] || continue
      set -f
      set -- $(ls -ldn -- "$path")
      [ "$((hops += 1))" -le 40 ] && { [ "$3" = 0 ] || [ "$3" = "$uid" ]; } || exit 1
      to=$(readlink -- "$path"; echo .)
      to=${'$'}{to%??}
      case $to in /*) path= ;; *) path=${'$'}{path%/*} ;; esac
      todo=${'$'}{to#/}/$todo
    done
  )
  links "${'$'}{log%/*}" || exit 121
  # What was opened must be what was named: a link, also one that is planted now, leads elsewhere.
  dir=$(cd -P -- "${'$'}{log%/*}/" && pwd -P && echo .) || exit 121
  [ ! -L "$log" ] && { [ ! -e "$log" ] || [ -f "$log" ]; } && { :; } >>"$log" || exit 121
  exec 3>>"$log"
  dir=${'$'}{dir%??}
  [ -f "/proc/$$/fd/3" ] &&
    [ "$(readlink "/proc/$$/fd/3"; echo .)" = "$(printf "%s/%s\n." "${'$'}{dir%/}" "${'$'}{log##*/}")" ] || exit 121
  printf "agilab-process-owner-v1 %s %s %s %s %s %s%s\n" \
    "$boot" "$ns" "$$" "$tick" "$uid" "$token" "${'$'}{cgroup:+ $cgroup}" >"$record.$$" &&
    ln -- "$record.$$" "$record" || { rm -f -- "$record.$$"; exit 122; }
  rm -f -- "$record.$$"
  if [ -n "$agilab" ]; then
    # Two digits as Python writes them: no second zero at the end.
    part=$(printf %02d "$((tick % hz * 100 / hz))")
    printf "{\n  \"pid\": %d,\n  \"process_start_time\": %d.%s,\n  \"schema\": \"agilab-dask-pid-owner-v1\",\n  \"target\": %s\n}\n" \
      "$$" "$((btime + tick / hz))" "${'$'}{part%0}" "$target" >"$agilab.$$" &&
      mv -f -- "$agilab.$$" "$agilab" || { rm -f -- "$agilab.$$" "$record"; exit 122; }
  fi
  GUARDRAILS_OWNER=$token
  export GUARDRAILS_OWNER
  umask "$mask"
  exec "$@" >&3 2>&3 3>&- </dev/null
'

start() {
  record=$1 token=$2 log=$3 agilab=$4 target=$5
  shift 5
  here
  epoch
  answer=$(admit)
  [ -z "$answer" ] || { echo "$answer"; return; }
  cgroup=$(make_cgroup "$token")
  set -- /bin/sh -c "$owned" owned \
    "$token" "$record" "$log" "$agilab" "$target" "$boot" "$ns" "$uid" "$hz" "$btime" "$cgroup" "$mask" "$@"
  if [ -n "$has_locale" ]; then LC_ALL=$locale; else unset LC_ALL; fi
  if [ -z "$cgroup" ] && has_scopes; then
    # No function of ours: its process would be the parent of the one that is meant.
    XDG_RUNTIME_DIR=/run/user/$uid systemd-run --user --scope --quiet --collect --unit="guardrails-$token" -- \
      setsid "$@" </dev/null >/dev/null 2>&1 &
  else
    setsid "$@" </dev/null >/dev/null 2>&1 &
  fi
  pid=$!
  # From its record on, the command line of the process holds the token as a word until its exec. Only one that succeeds
  # takes it away (in the middle of it the line is empty); a process that ends first tells why by its exit code. Before
  # the record it may become setsid or a shell while its line is read, which says nothing.
  answer=unknown
  nl='
'
  limit=$(($(up) + 5))
  while [ "$(up)" -le "$limit" ]; do
    start=$(tick_of "$pid")
    if [ -z "$start" ]; then
      wait "$pid"
      answer="ended $?"
      break
    fi
    if is_named; then
      line=$nl$(tr '\000' '\n' 2>/dev/null <"/proc/$pid/cmdline")$nl
      case $line in
      "$nl$nl" | *"$nl$token$nl"*) ;;
      *) [ "$(tick_of "$pid")" != "$start" ] || { answer="started $boot $ns $pid $start $uid"; break; } ;;
      esac
    fi
    nap
  done
  if is_named; then
    # Its children may live on: then the record stays, and a stop finds them.
    case $answer in ended*)
      start=0
      scan
      [ -n "$own$alone" ] || rm -f -- "$record" ;;
    esac
  else
    case $answer in
    'ended 121') answer='refused log' ;;
    'ended 122') answer='refused record' ;;
    ended*) answer='refused failed' ;;
    esac
  fi
  case $answer in started* | unknown) ;; *) clear_cgroup ;; esac
  rmdir "$record.lock"
  echo "$answer"
}
# Whether the record names the process.
is_named() {
  case $(head -n 1 -- "$record" 2>/dev/null) in
  "agilab-process-owner-v1 $boot $ns $pid "*" $uid $token"*) ;;
  *) return 1 ;;
  esac
}
clear_cgroup() { [ -z "$cgroup" ] || find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null; }

up() { read -r now _ </proc/uptime && echo "${'$'}{now%%.*}"; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
# Stops the processes of words PID:TICK, and sets held to those that are still what they were: as long as a process is
# stopped it cannot end, so its pid is its own until the next signal. Who took over a pid just now goes on.
hold() {
  for one in "$@"; do kill -s STOP "${'$'}{one%:*}" 2>/dev/null; done
  held=" $(living "$@" | tr '\n' ' ')"
  for one in "$@"; do
    case $held in *" $one "*) ;; *) kill -s CONT "${'$'}{one%:*}" 2>/dev/null ;; esac
  done
}
send() {
  signal=$1
  shift
  hold "$@"
  for one in $held; do
    kill -s "$signal" "${'$'}{one%:*}" 2>/dev/null
    kill -s CONT "${'$'}{one%:*}" 2>/dev/null
  done
}
# Stops all first, so that none can start another one meanwhile, then kills all.
kill_all() {
  [ ! -w "$cgroup/cgroup.kill" ] || echo 1 >"$cgroup/cgroup.kill" 2>/dev/null
  frozen=' '
  round=0
  while [ "$round" -lt 50 ]; do
    scan
    fresh=
    for one in $own; do
      case $frozen in *" $one "*) ;; *) fresh="$fresh $one" ;; esac
    done
    [ -n "$fresh" ] || break
    hold $fresh
    frozen="$frozen$held"
    round=$((round + 1))
  done
  for one in $frozen; do kill -s KILL "${'$'}{one%:*}" 2>/dev/null; done
}

stop() {
  record=$1 pid=$4 start=$5 token=$7 cgroup=$8 seconds=$9
  here
  is_cgroup "$cgroup" "$token" && [ -d "$cgroup" ] || cgroup=
  [ "$boot $ns $uid" = "$2 $3 $6" ] || { echo 'ended gone'; return; }
  scan
  [ -n "$own" ] || { echo 'ended gone'; return; }
  begin=$(up)
  deadline=$((begin + seconds))
  # Exactly one TERM, whoever else stops this at the same time, and to the leader alone if it lives: a second one makes
  # a Dask worker die without cleaning up.
  mark=$record.term-$pid-$start
  if (set -C && : >"$mark") 2>/dev/null; then
    if [ -n "$leader" ]; then send TERM "$leader"; else send TERM $own; fi
  elif [ ! -e "$mark" ]; then
    echo 'ended unmarked'
    return
  fi
  how=TERM
  left=$own
  while :; do
    left=$(living $left)
    [ -n "$left" ] || { scan; left=$own; }
    [ -n "$left" ] && [ "$(up)" -lt "$deadline" ] || break
    nap
  done
  while [ -n "$left" ] && [ "$(up)" -lt "$((deadline + 5))" ]; do
    how=KILL
    kill_all
    nap
    scan
    left=$own
  done
  [ -z "$left" ] || { echo 'ended not'; return; }
  # The record goes only if it is still this one: a new start may have put its own there.
  case $(dd if="$record" bs=4096 count=1 2>/dev/null | tr -d '\000') in
  *" $pid $start "* | *"\"pid\": $pid,"*) rm -f -- "$record" ;;
  esac
  rm -f -- "$mark"
  way=token
  [ -z "$cgroup" ] || way=cgroup
  clear_cgroup
  echo "ended $how $(($(up) - begin)) $way$alone"
}

# Prints which sockets the processes of words PID:TICK hold, and where each of their networks listens; fails where one of
# them lives and does not show its descriptors. Each thread may have descriptors and a network of its own. Tables come after
# descriptors: what listens only since then is not missed.
sockets_of() {
  set -f
  networks=
  for one in "$@"; do
    threads=$(ls "/proc/${'$'}{one%:*}/task" 2>/dev/null)
    [ -n "$threads" ] || [ -z "$(living "$one")" ] || return 1
    for thread in $threads; do
      of=/proc/${'$'}{one%:*}/task/$thread
      round=0
      # A descriptor that is closed in the middle of a list makes ls fail.
      until files=$(ls -l "$of/fd/" 2>/dev/null) && network=$(readlink "$of/ns/net"); do
        # A thread that has ended shows none, and is a zombie for as long as it is the first of others.
        grep -q '^State:[[:blank:]]*[^ZX[:blank:]]' "$of/status" 2>/dev/null || continue 2
        [ "$round" -lt 5 ] || return 1
        round=$((round + 1))
        nap
      done
      printf '%s\n' "$files" | sed -n 's/.* -> socket:\[\([0-9]*\)\]$/held \1/p'
      case $networks' ' in *" $network="*) ;; *) networks="$networks $network=$of" ;; esac
    done
  done
  for one in $networks; do
    sed 's/^/tcp4 /' "${'$'}{one#*=}/net/tcp" 2>/dev/null
    sed 's/^/tcp6 /' "${'$'}{one#*=}/net/tcp6" 2>/dev/null
    sed 's/^/unix /' "${'$'}{one#*=}/net/unix" 2>/dev/null
  done
}
# What the processes of a record listen on: where each of them could be looked at, and they were the same before and after.
# States and flags are those of proc_pid_net(5): TCP_LISTEN, __SO_ACCEPTCON. Of a unix socket no name leaves the host.
listeners() {
  here
  old= cgroup=
  # A record that somebody else can write leads to processes of his.
  case $(ls -ln -- "$1" 2>/dev/null) in
  -????-??-*) [ -r "$1" ] && read -r old <"$1" ;;
  esac
  set -f
  set -- "$2" $(ls -ln -- "$1" 2>/dev/null | awk '{ print $3 }') $old x x x x x x x x
  set +f
  [ "$2 $3 $4 $5 $9" = "$uid agilab-process-owner-v1 $boot $ns $1" ] || { echo 'unseen record'; return; }
  pid=$6 start=$7 token=$1
  shift 9
  ! is_cgroup "$1" "$token" || cgroup=$1
  scan
  for round in 1 2 3 4 5; do
    [ -z "$alone" ] || { echo 'unseen unproven'; return; }
    [ -n "$own" ] || { echo 'unseen ended'; return; }
    before=$(printf '%s\n' $own | sort)
    found=$(sockets_of $own) || { echo 'unseen unread'; return; }
    scan
    [ "$(printf '%s\n' $own | sort)" = "$before" ] || continue
    way=token
    [ -z "$cgroup" ] || way=cgroup
    # Addresses stand in those tables as words of the host.
    order=$(printf '\001\000' | od -An -tu2 | tr -d ' ')
    printf 'listens %s %s %s\n' "$pid" "$way" "$order"
    printf '%s\n' "$found" | awk '
      $1 == "held" { held[$2] = 1 }
      ($1 == "tcp4" || $1 == "tcp6") && $5 == "0A" && $11 in held { print $1, $3 }
      $1 == "unix" && $5 == "00010000" && $8 in held { print $1, $9 ~ /^\// ? "named" : "abstract" }'
    echo end
    return
  done
  echo 'unseen changing'
}

case $1 in
look) look "$2" ;;
listeners) listeners "$2" "$3" ;;
stop) shift; stop "$@" ;;
start) shift; start "$@" ;;
esac
`;
