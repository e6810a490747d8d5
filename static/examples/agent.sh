#!/bin/sh
# An agent program in POSIX shell: curl speaks, awk reads JSON. It repeats messages and ticks off its tasks.
read -r token <&3 && exec 3<&- # the run token: a line on descriptor 3, nowhere else
api=$AGENTRY_URL/runtime/v1 stop='' tab=$(printf '\t') line='
'
# call METHOD PATH [BODY] sets $answer, and repeats until the server has taken the call.
call() {
  pause=1
  while :; do
    answer=$(printf %s "$3" | curl -s -m 60 -X "$1" -K /dev/fd/4 ${3:+--data-binary @-} -w '\n%{http_code}' "$api/$2" 4<<HEADERS
header = "Authorization: Bearer $token"
header = "Content-Type: application/json"
HEADERS
    ) && status=${answer##*"$line"} answer=${answer%"$line"*} || status=000
    case $status in
      200) return ;;
      410) exit 0 ;; # the run is over: paused, ended, or a newer one began
      000 | 408 | 429 | 5??) sleep $pause && pause=$((pause < 8 ? 2 * pause : 15)) ;; # away, cut or busy
      *) echo "$1 $2: $status $answer" >&2 && exit 1 ;;
    esac
  done
}
# rows prints the objects of the list in $answer, one a line: id, type, messageId, and text, still JSON.
rows() {
  printf '%s\n' "$answer" | awk -v OFS='\t' 'function bare(x) { return x ? substr(x, 2, length(x) - 2) : "-" }
    { s = s $0 } END { while (match(s, /^("([^"\\]|\\.)*"|[][{}:,]|[^][{}:,"]+)/)) {
      t = substr(s, 1, RLENGTH); s = substr(s, RLENGTH + 1)
      if (t ~ /^[[{]$/) { depth++; if (depth == 3) { split("", v); key = "" } }
      else if (t ~ /^[]}]$/) { if (depth-- == 3) print bare(v["id"]), bare(v["type"]), bare(v["messageId"]), v["text"] }
      else if (depth == 3 && t == ",") key = ""
      else if (depth == 3 && key == "") key = bare(t)
      else if (depth == 3 && t != ":") v[key] = t
    } }'
}
# tell ID TYPE [FIELDS] adds an event. Its id follows from what it is about: told twice, it has one effect.
tell() { events="$events${events:+,}{\"id\":\"$1\",\"type\":\"$2\"$3}"; }
hello() { call GET self; case $answer in *'"enableAutonomy":true'*) free=yes ;; *) free= ;; esac; }
hello && echo "running on $AGENTRY_URL" # output is the agent's log
while [ -z "$stop" ]; do
  events='' && tell beat heartbeat && call GET 'inbox?wait=10'
  while IFS=$tab read -r id type message text && [ "$id" ]; do
    [ ${#text} -le 1000 ] || text='"a lot"'
    case $type in
      message) tell "r-$message" reply ",\"messageId\":\"$message\",\"text\":\"You said: ${text#\"}" ;;
      settings_changed) hello ;;
      stop) stop=yes free= ;;
    esac
    tell "a-$id" ack ",\"commandId\":\"$id\""
  done <<ROWS
$(rows)
ROWS
  [ -z "$free" ] || call POST tasks/claim '{"max":5}' # the server says what may be done now
  while [ "$free" ] && IFS=$tab read -r id type _ && [ "$id" ]; do
    echo "doing $type" && tell "d-$id" task_done ",\"taskId\":\"$id\""
  done <<ROWS
$(rows)
ROWS
  call POST events "{\"events\":[$events]}"
done
