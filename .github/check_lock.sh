#!/usr/bin/env bash
# Fails if dvc.lock or studies/dvc.lock does not describe the code, parameters and committed metrics. Needs no data: a stage
# that would run shows as "Running stage", and dvc's exit code alone does not tell (it is 0 where only code is missing its run).
set -uo pipefail
for file in dvc.yaml studies/dvc.yaml; do
  [ -f "$file" ] || continue  # a repository of one's own may have dropped the studies
  output="$(dvc repro --allow-missing --dry "$file" 2>&1)"
  status=$?
  if [ "$status" -ne 0 ] || grep -q "^Running stage" <<<"$output"; then
    echo "$output"
    echo "error: ${file%.yaml}.lock is out of date; run \`dvc repro $file\` and commit it with the metrics"
    exit 1
  fi
  echo "${file%.yaml}.lock is up to date"
done
