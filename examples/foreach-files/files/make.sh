# File number i has i rows: 1, 2, … i.
rm -rf measurements summaries
mkdir -p measurements/north measurements/"south east" summaries
for i in $(seq 1 40); do
  if [ $((i % 2)) -eq 0 ]; then area=north; else area="south east"; fi
  seq 1 "$i" > "measurements/$area/$i.csv"
done
