#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `make install`, and that `make uninstall` leaves nothing behind but what is somebody's own.
set -u
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
count=0 failed=0

is() {
	count=$((count + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $count - $3"
	else
		echo "not ok $count - $3"
		printf '# %s\n' "got: $1" "want: $2"
		failed=1
	fi
}

make_() { make -s -C "$top_builddir" "$@" DESTDIR="$root" >"$root.log" 2>&1 || sed 's/^/# /' "$root.log"; rm -f "$root.log"; }
# Folders by their whole names: the prefix may have picosnitch in its own.
left() { find "$root" -type f -o -name picosnitch -o -name plugins | sed "s|^$root||"; }

make_ install
ini=$(find "$root" -name picosnitch.ini)
[ -n "$ini" ] || echo "# no picosnitch.ini"
plugin=$(find "$root" -name sqlite.so | sed "s|^$root||;s|/sqlite.so$||")
is "$(sed -n 's/^#plugins = //p' "$ini")" "$plugin" "the installed picosnitch.ini names the folder that the plugins are in"
is "$(stat -c %a "$ini")" 600 "and is for root's eyes"
make_ uninstall
is "$(left)" '' "nothing is left"

make_ install
echo '#mine' >>"$ini"
make_ install
is "$(tail -n 1 "$ini")" '#mine' "a picosnitch.ini that was changed stays when it is installed again"
: >"$root$plugin/mine.so"
make_ uninstall
is "$(left | sort | tr '\n' ' ')" "$(printf '%s\n' "${ini#"$root"}" "${plugin%/*}" "$plugin" "$plugin/mine.so" | sort | tr '\n' ' ')" \
	"and so does it when all is uninstalled, as does a plugin of somebody's own"
echo "1..$count"
exit $failed
