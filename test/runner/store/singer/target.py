"""A Singer target: appends records to a file, and prints each state once what came before it is there. python3 target.py FILE"""
import json
import sys

schemas = {}
with open(sys.argv[1], "a") as table:
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            schemas[message["stream"]] = message["schema"]["properties"]
        elif message["type"] == "RECORD":
            assert set(message["record"]) == set(schemas[message["stream"]])
            table.write(json.dumps(message["record"]) + "\n")
        elif message["type"] == "STATE":
            table.flush()
            print(json.dumps(message["value"]), flush=True)
