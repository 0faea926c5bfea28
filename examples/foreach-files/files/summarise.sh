# Rows and sum of one file.
name=$(basename "$1" .csv)
awk -v name="$name" '{ sum += $1 } END { print name "," NR "," sum }' "$1" > "summaries/$name.csv"
