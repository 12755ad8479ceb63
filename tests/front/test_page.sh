#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The page of the dash without a browser: its types hold, and its parts that need none do what they say.
here=$(cd "${top_srcdir:-.}" && pwd)/core/dash/web
npm=${top_builddir:-.}/core/dash/web/npm
[ -d "$npm/node_modules" ] || { echo "1..0 # SKIP needs npm ($npm)"; exit 0; }
cd "$npm" || exit 99
"${NODE:-node}" "$here/build.mjs" test tests || exit 99
# tsc looks for packages above the sources, which are elsewhere: it gets a copy.
rm -rf types && mkdir types && cp -R "$here/src" "$here/tsconfig.json" types || exit 99
said=$("${NODE:-node}" node_modules/typescript/bin/tsc -p types 2>&1)
status=$?
PALETTES=$here/themes.css "${NODE:-node}" --test-reporter=tap tests/page.test.mjs >tests/out 2>&1 || :
sed '/^1\.\.[0-9]*$/d' tests/out
n=$(grep -cE '^(not )?ok ' tests/out)
[ $status = 0 ] || printf '%s\n' "$said" | sed 's/^/# /'
if [ $status = 0 ]; then echo "ok $((n + 1)) - types hold"; else echo "not ok $((n + 1)) - types hold"; fi
size=$(cat ../../assets/*.gz | wc -c)
if [ "$size" -gt 0 ] && [ "$size" -lt 102400 ]; then echo "ok $((n + 2)) - all of the page is less than 100 KiB ($size)"; else echo "not ok $((n + 2)) - size: $size"; fi
echo "1..$((n + 2))"
