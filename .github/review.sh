#!/usr/bin/env bash
# Prints what changed between a base revision and the work tree as Markdown tables.
set -euo pipefail
base="${1:?usage: review.sh BASE}"
export PYTHONHASHSEED=0 # dvc's rows come in hash order; this keeps them stable
echo "## Differences on test, record by record"
echo
multilabel compare --curves "$base"
echo
echo "## Scores on test"
table="$(dvc metrics diff "$base" --md --targets metrics/evaluate)"
echo "${table:-No score moved.}"
echo
echo "## Parameters"
table="$(dvc params diff "$base" --md)"
echo "${table:-No parameter moved.}"
