#!/bin/sh
# Four shards with GNU parallel, then the merge. With `--sshlogin a,b,c` and `--return`, parallel runs them on other machines.
set -eu

shards=${SHARDS:-4}
seed=${SEED:-$(date +%s)}
logs=${LOGS:-logs/$seed}

mkdir -p "$logs"
# 1 means that a shard saw the gap: the merged run tells it.
seq "$shards" | parallel --jobs "$shards" --halt never \
    "statusgap run --target target.toml --seed $seed --shard {}/$shards --quiet --out $logs/{} > $logs/{}.txt || test \$? -eq 1"
statusgap merge "$logs"/*/log.ndjson --out "$logs/merged"
