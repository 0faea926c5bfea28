"""A Singer tap: days of a source that grows, from a bookmark on. python3 tap.py --config FILE [--state FILE]"""
import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("--config", required=True)
parser.add_argument("--state")
args = parser.parse_args()

with open(args.config) as file:
    config = json.load(file)
state = {}
if args.state and os.path.exists(args.state):
    with open(args.state) as file:
        state = json.load(file)
bookmark = state.get("bookmarks", {}).get("rates", {}).get("day", config["start_day"])


def write(message):
    print(json.dumps(message), flush=True)


write({
    "type": "SCHEMA",
    "stream": "rates",
    "schema": {"properties": {"day": {"type": "integer"}, "rate": {"type": "number"}}},
    "key_properties": ["day"],
    "bookmark_properties": ["day"],
})
with open(config["source"]) as file:
    days = [row for row in json.load(file) if row["day"] > bookmark]
for row in days:
    write({"type": "RECORD", "stream": "rates", "record": row})
    write({"type": "STATE", "value": {"bookmarks": {"rates": {"day": row["day"]}}}})
if not days:
    write({"type": "STATE", "value": {"bookmarks": {"rates": {"day": bookmark}}}})
