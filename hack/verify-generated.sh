#!/usr/bin/env bash
# verify-generated.sh: makes generated files anew and fails when one changed. A
# file that was changed stays so: look at it, and commit it.
set -euo pipefail
cd "$(dirname "$0")/.."

fingerprint() { # every file that git knows or would add, with its content's hash
	git ls-files --cached --others --exclude-standard -z | sort -z |
		while IFS= read -r -d '' file; do
			[[ ! -f $file ]] || printf '%s  %s\n' "$(git hash-object -- "$file")" "$file"
		done
}

before=$(fingerprint)
make --no-print-directory generate
after=$(fingerprint)
if [[ $before != "$after" ]]; then
	echo 'verify-generated: these files were out of date; commit them:' >&2
	diff <(echo "$before") <(echo "$after") | sed -n 's/^> [0-9a-f]*  /  /p' | sort -u >&2
	exit 1
fi
echo 'generated files are up to date'
