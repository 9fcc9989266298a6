#!/usr/bin/env bash
# Prints what changed in the work tree since it left a base revision, as Markdown tables.
set -euo pipefail
left="$(git merge-base "${1:?usage: review.sh BASE}" HEAD)" # what others did on the base since then is not of this change
base="$(git rev-parse --short "$left")"
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
