#!/usr/bin/env bash
# chart-golden.sh [-update]: lints the chart, renders it with every value set in
# test/chart/values and compares the output with test/chart/golden. -update
# rewrites the golden files; the diff is what is reviewed.
#
# A value set named reuse-* replaces the chart's values.yaml, as `helm upgrade
# --reuse-values` does from a release of another chart. One named refused-* must
# not render, for the reason in its first line: "# refused: TEXT".
#
# HELM is the helm to use, "helm" by default.
set -euo pipefail
cd "$(dirname "$0")/.."
helm=${HELM:-helm}
chart=charts/shockwave
kube=(--kube-version 1.37.0)
update=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

mkdir -p "$work/reuse"
cp -r "$chart" "$work/reuse/shockwave"
"$helm" lint --strict --quiet "${kube[@]}" "$chart"

for values in test/chart/values/*.yaml; do
	name=$(basename "$values" .yaml)
	golden=test/chart/golden/$name.yaml
	case $name in
	reuse-*)
		cp "$values" "$work/reuse/shockwave/values.yaml"
		render=("$helm" template ingress-nginx "$work/reuse/shockwave" --namespace ingress-nginx "${kube[@]}")
		;;
	*)
		render=("$helm" template shockwave "$chart" --namespace shockwave "${kube[@]}" --values "$values")
		;;
	esac
	if [[ $name == refused-* ]]; then
		reason=$(sed -n '1s/^# refused: //p' "$values")
		if "${render[@]}" >"$work/out" 2>"$work/err"; then
			echo "chart-golden: $name rendered, but must be refused" >&2
			failed=1
		elif ! grep -qF -- "${reason:?first line of $values has no reason}" "$work/err"; then
			echo "chart-golden: $name was refused for another reason:" >&2
			cat "$work/err" >&2
			failed=1
		fi
		continue
	fi
	if ! "${render[@]}" >"$work/out"; then
		echo "chart-golden: $name does not render" >&2
		failed=1
	elif [[ $update == -update ]]; then
		cp "$work/out" "$golden"
	elif ! diff -u "$golden" "$work/out"; then
		echo "chart-golden: $name differs; hack/chart-golden.sh -update accepts it" >&2
		failed=1
	fi
done
exit "$failed"
