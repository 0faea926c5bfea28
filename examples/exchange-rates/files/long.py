"""Singer messages in, Singer messages out: a record with a column a currency becomes a record for each currency."""
import json
import sys

KEYS = ("date", "base")

for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "SCHEMA":
        text, number = {"type": "string"}, {"type": "number"}
        message["schema"] = {"properties": {"date": text, "base": text, "currency": text, "rate": number}}
        message["key_properties"] = ["date", "currency"]
    if message["type"] == "RECORD":
        record = message["record"]
        for currency in sorted(set(record) - set(KEYS)):
            row = {key: record[key] for key in KEYS} | {"currency": currency, "rate": record[currency]}
            print(json.dumps(message | {"record": row}))
    else:
        print(json.dumps(message))
