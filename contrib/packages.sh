# SPDX-License-Identifier: GPL-3.0-or-later
# Which packages building (and testing) needs, by package manager; sourced by the scripts here.

# install_packages build [test [cross]]: installs what is missing, with whichever manager is there;
# what cross-arm64 needs is known for Debian alone.
install_packages() {
	local wanted=() missing=() p

	if command -v apt-get >/dev/null; then
		wanted=(gcc make autoconf automake libtool pkg-config clang llvm bpftool libbpf-dev libuv1-dev libsqlite3-dev
			libinih-dev libssl-dev libjansson-dev libcurl4-openssl-dev libmariadb-dev libpq-dev libsystemd-dev libncurses-dev libmicrohttpd-dev libmaxminddb-dev zlib1g-dev curl python3)
		# The page of the dash; node from elsewhere brings an npm that Debian's would be in the way of.
		command -v npm >/dev/null || wanted+=(nodejs npm)
		[[ ${2:-} != test ]] || wanted+=(libclang-rt-14-dev gcc-12-multilib clang-format iproute2 nftables liburing-dev
			qemu-system-x86 busybox-static cpio kmod xz-utils zstd mandoc sqlite3 e2fsprogs libcap2-bin crun podman
			musl-tools dnsmasq-base unbound bind9 btrfs-progs fuse3 squashfuse squashfs-tools mariadb-server-core mariadb-client-core galera-4 postgresql dbus dunst xvfb
			python3-dbus python3-gi python3-pyte python3-jsonschema prometheus chromium chromium-driver python3-selenium fonts-dejavu-core fonts-noto-color-emoji)
		[[ ${3:-} != cross ]] || wanted+=(gcc-aarch64-linux-gnu qemu-system-arm)
		for p in "${wanted[@]}"; do
			[[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || missing+=("$p")
		done
		((${#missing[@]})) || return 0
		need_root "${missing[@]}" || return 0
		apt-get -qq update
		# These are named after a version, which another release has changed, or not for every machine.
		for p in libclang-rt-14-dev gcc-12-multilib; do
			apt-cache show $p >/dev/null 2>&1 || missing=("${missing[@]/$p/}")
		done
		# shellcheck disable=SC2068
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends ${missing[@]} >/dev/null
	elif command -v dnf >/dev/null; then
		wanted=(gcc make autoconf automake libtool pkgconf-pkg-config clang llvm bpftool libbpf-devel libuv-devel
			sqlite-devel inih-devel openssl-devel jansson-devel libcurl-devel mariadb-connector-c-devel libpq-devel systemd-devel ncurses-devel libmicrohttpd-devel libmaxminddb-devel zlib-devel curl python3
			nodejs npm)
		[[ ${2:-} != test ]] || wanted+=(compiler-rt clang-tools-extra iproute nftables liburing-devel qemu-system-x86-core
			busybox cpio kmod xz zstd mandoc sqlite libasan libubsan)
		need_root "${wanted[@]}" || return 0
		dnf -q -y install "${wanted[@]}"
	elif command -v pacman >/dev/null; then
		wanted=(gcc make autoconf automake libtool pkgconf clang llvm bpf libbpf libuv sqlite libinih openssl jansson mariadb-libs postgresql-libs systemd-libs ncurses libmicrohttpd libmaxminddb zlib curl
			python nodejs npm)
		[[ ${2:-} != test ]] || wanted+=(compiler-rt iproute2 nftables liburing qemu-system-x86 busybox cpio kmod xz zstd
			mandoc)
		need_root "${wanted[@]}" || return 0
		pacman -Sq --needed --noconfirm "${wanted[@]}"
	elif command -v zypper >/dev/null; then
		wanted=(gcc make autoconf automake libtool pkgconf clang llvm bpftool libbpf-devel libuv-devel sqlite3-devel
			libinih-devel libopenssl-3-devel libjansson-devel libcurl-devel libmariadb-devel postgresql-devel systemd-devel ncurses-devel libmicrohttpd-devel libmaxminddb-devel zlib-devel curl python3
			nodejs npm)
		[[ ${2:-} != test ]] || wanted+=(iproute2 nftables liburing-devel qemu-x86 busybox-static cpio kmod xz zstd mandoc
			sqlite3)
		need_root "${wanted[@]}" || return 0
		zypper -q -n install "${wanted[@]}"
	else
		echo "no apt-get, dnf, pacman or zypper here: install what ./configure asks for" >&2
	fi
}

need_root() {
	((EUID)) || return 0
	echo "not root, so nothing is installed; needed: $*" >&2
	return 1
}
