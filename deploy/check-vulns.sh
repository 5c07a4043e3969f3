#!/bin/sh
# Looks for known vulnerabilities: in Go code that is reached (govulncheck) and
# in npm packages (npm audit, from high on). It fails where one is found. Where
# a database cannot be asked, it says so and does not fail: a machine without
# the internet cannot know.
#
#   check-vulns.sh GOVULNCHECK MODULE...
#
# GOVULNDB is another database than Go's own; npm asks its configured registry.
set -eu
scanner=$1
shift
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
failed=0

db=${GOVULNDB:-https://vuln.go.dev}
if ! "$scanner" -db "$db" -mode=query -json stdlib@v1.26.0 >"$answer" 2>&1; then
    echo "NOT CHECKED: Go's vulnerability database at $db cannot be asked: $(tail -n 1 "$answer")"
else
    for module in "$@"; do
        echo "govulncheck $module"
        (cd "$module" && "$scanner" -db "$db" ./...) || failed=1
    done
fi

# npm ends with 1 for a finding and for a registry that does not answer alike;
# only a report has a version.
if (cd frontend && npm audit --json --audit-level=high) >"$answer" 2>/dev/null; then found=0; else found=1; fi
if ! grep -q '"auditReportVersion"' "$answer"; then
    echo "NOT CHECKED: the npm registry does not tell of vulnerabilities: $(grep -m 1 '"message"' "$answer" || echo 'no answer')"
elif [ "$found" = 1 ]; then
    echo "npm packages with known vulnerabilities (high or critical):"
    cat "$answer"
    failed=1
else
    echo "npm audit: nothing high or critical"
fi
exit "$failed"
