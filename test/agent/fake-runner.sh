# A runner that costs next to nothing, for a thousand runs: finds --record among its arguments and writes it.
while [ $# -gt 0 ]; do
  case "$1" in --record) record=$2 ;; --request) request=$2 ;; esac
  shift
done
cat > "$record.tmp" <<JSON
{"schemaVersion":1,"runId":"x","status":"success","exitCode":0,"startedAt":"2026-01-01T00:00:00.000Z","durationMs":1,"tasks":[],"metrics":{}}
JSON
mv "$record.tmp" "$record"
