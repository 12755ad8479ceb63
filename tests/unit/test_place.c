/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What paths of control groups say, as systemd, engines and desktops make them. */
#include <stdlib.h>

#include "core/identify/place.h"
#include "tests/tap.h"

#define ID "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
#define OTHER "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961"
#define POD "2c48a299-e1f2-4001-bdd4-8632d39ea02b"
#define POD_ "2c48a299_e1f2_4001_bdd4_8632d39ea02b"
#define USER "/user.slice/user-1000.slice/user@1000.service"

static const struct {
	const char *path, *unit, *slice, *session, *engine, *container, *pod;
	int64_t owner;
} cases[] = {
    {"", "", "", "", "", "", "", -1},
    {"/", "", "", "", "", "", "", -1},
    {"/init.scope", "init.scope", "", "", "", "", "", -1},
    {"/system.slice/ssh.service", "ssh.service", "system.slice", "", "", "", "", -1},
    {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "system-getty.slice", "", "", "", "",
     -1},
    {"/system.slice/docker.service", "docker.service", "system.slice", "", "", "", "", -1},
    {"/system.slice/dev-hugepages.mount", "dev-hugepages.mount", "system.slice", "", "", "", "", -1},
    {"/system.slice/_cpu.service", "cpu.service", "system.slice", "", "", "", "", -1},
    {"/system.slice/postgresql.service/worker.service", "postgresql.service", "system.slice", "", "", "", "", -1},
    {"/system.slice", "", "system.slice", "", "", "", "", -1},
    {"/mine/group", "", "", "", "", "", "", -1},
    {"/.service/.slice", "", "", "", "", "", "", -1},

    /* logind */
    {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "user-1000.slice", "3", "", "", "", 1000},
    {"/user.slice/user-0.slice/session-c2.scope", "session-c2.scope", "user-0.slice", "c2", "", "", "", 0},
    {"/user.slice/user-4294967295.slice/session-1.scope", "session-1.scope", "user-4294967295.slice", "1", "", "", "",
     -1},
    {USER "/init.scope", "init.scope", "user-1000.slice", "", "", "", "", 1000},
    {USER, "user@1000.service", "user-1000.slice", "", "", "", "", 1000},
    {USER "/session.slice/pipewire.service", "pipewire.service", "session.slice", "", "", "", "", 1000},

    /* Docker */
    {"/docker/" ID, "", "", "", "docker", ID, "", -1},
    {"/docker/4f797c539e6c", "", "", "", "docker", "4f797c539e6c", "", -1},
    {"/docker/buildx", "", "", "", "", "", "", -1},
    {"/docker/buildkit/fq1ysvlc0gg6jjb6kaqlmq4h5", "", "", "", "buildkit", "fq1ysvlc0gg6jjb6kaqlmq4h5", "", -1},
    {"/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "system.slice", "", "docker", ID, "", -1},
    {"/system.slice/docker-" ID ".scope/init.scope", "init.scope", "system.slice", "", "docker", ID, "", -1},
    {"/actions_job/" ID, "", "", "", "", ID, "", -1},
    {"/docker/" ID "/docker/" OTHER, "", "", "", "docker", ID, "", -1},
    {"/docker/" ID "/kubelet/kubepods/burstable/pod" POD "/" OTHER, "", "", "", "docker", ID, "", -1},

    /* Podman */
    {"/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "machine.slice", "", "podman", ID, "", -1},
    {"/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "machine.slice", "", "podman", "", "",
     -1},
    {USER "/user.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "user.slice", "", "podman", ID, "", 1000},
    {USER "/user.slice/user-libpod_pod_" OTHER ".slice/libpod-" ID ".scope", "libpod-" ID ".scope",
     "user-libpod_pod_" OTHER ".slice", "", "podman", ID, OTHER, 1000},
    {"/machine.slice/machine-libpod_pod_" OTHER ".slice/libpod-" ID ".scope", "libpod-" ID ".scope",
     "machine-libpod_pod_" OTHER ".slice", "", "podman", ID, OTHER, -1},
    {"/libpod_parent/libpod-" ID, "", "", "", "podman", ID, "", -1},
    {"/libpod_parent/conmon", "", "", "", "podman", "", "", -1},
    {"/libpod_parent/" OTHER "/libpod-" ID, "", "", "", "podman", ID, OTHER, -1},
    {"/system.slice/web.service/libpod-payload-" ID "/system.slice/httpd.service", "httpd.service", "system.slice", "",
     "podman", ID, "", -1},
    {"/system.slice/web.service/libpod-payload-" ID, "web.service", "system.slice", "", "podman", ID, "", -1},
    {"/system.slice/web.service/runtime", "web.service", "system.slice", "", "", "", "", -1},

    /* Kubernetes */
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_ ".slice/cri-containerd-" ID ".scope",
     "cri-containerd-" ID ".scope", "kubepods-burstable-pod" POD_ ".slice", "", "containerd", ID, POD, -1},
    {"/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope/container", "crio-" ID ".scope",
     "kubepods-pod" POD_ ".slice", "", "crio", ID, POD, -1},
    {"/kubepods.slice/kubepods-pod" POD_ ".slice/crio-conmon-" ID ".scope", "crio-conmon-" ID ".scope",
     "kubepods-pod" POD_ ".slice", "", "crio", "", POD, -1},
    {"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/docker-" ID ".scope",
     "docker-" ID ".scope", "kubepods-besteffort-pod" POD_ ".slice", "", "docker", ID, POD, -1},
    {"/kubepods/burstable/pod" POD "/" ID, "", "", "", "kubernetes", ID, POD, -1},
    {"/kubepods/pod4f797c539e6c745de61a93ca3ff89235/crio-" ID, "", "", "", "crio", ID,
     "4f797c539e6c745de61a93ca3ff89235", -1},
    {"/kubepods/besteffort/pod" POD, "", "", "", "kubernetes", "", POD, -1},
    {"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_ ".slice/cri-containerd-" ID ".scope",
     "cri-containerd-" ID ".scope", "kubelet-kubepods-pod" POD_ ".slice", "", "containerd", ID, POD, -1},
    {"/system.slice/containerd.service/kubepods-besteffort-pod" POD_ ".slice:cri-containerd:" ID, "containerd.service",
     "system.slice", "", "containerd", ID, POD, -1},
    {"/system.slice/nerdctl-" ID ".scope", "nerdctl-" ID ".scope", "system.slice", "", "containerd", ID, "", -1},
    {"/default/" ID, "", "", "", "", ID, "", -1},
    {"/podracer/podium", "", "", "", "", "", "", -1},

    /* LXC, Incus, Proxmox */
    {"/lxc.payload.web", "", "", "", "lxc", "web", "", -1},
    {"/lxc.payload.web/system.slice/nginx.service", "nginx.service", "system.slice", "", "lxc", "web", "", -1},
    {"/lxc.payload.web/user.slice/user-1000.slice/session-1.scope", "session-1.scope", "user-1000.slice", "", "lxc",
     "web", "", -1},
    {"/lxc.payload.web/lxc.payload.other", "", "", "", "lxc", "web", "", -1},
    {"/lxc.monitor.web", "", "", "", "lxc", "", "", -1},
    {"/lxc.payload/web", "", "", "", "lxc", "web", "", -1},
    {"/lxc.monitor/web", "", "", "", "lxc", "", "", -1},
    {"/lxc/101/ns/init.scope", "init.scope", "", "", "lxc", "101", "", -1},
    {"/lxc.payload.box/docker/" ID, "", "", "", "lxc", "box", "", -1},

    /* machines */
    {"/machine.slice/machine-deb\\x2dian.scope/payload", "machine-deb\\x2dian.scope", "machine.slice", "", "nspawn",
     "deb-ian", "", -1},
    {"/machine.slice/machine-debian.scope/supervisor", "machine-debian.scope", "machine.slice", "", "nspawn", "", "",
     -1},
    {"/machine.slice/systemd-nspawn@a\\x2db.service/payload/system.slice/ssh.service", "ssh.service", "system.slice",
     "", "nspawn", "a-b", "", -1},
    {"/machine.slice/systemd-nspawn@web.service", "systemd-nspawn@web.service", "machine.slice", "", "nspawn", "web",
     "", -1},
    {"/machine.slice/container@web.service/payload", "container@web.service", "machine.slice", "", "nspawn", "web", "",
     -1},
    {"/system.slice/container@web.service", "container@web.service", "system.slice", "", "", "", "", -1},
    {"/machine.slice/machine-qemu\\x2d3\\x2dwin\\x2d11.scope/libvirt/emulator",
     "machine-qemu\\x2d3\\x2dwin\\x2d11.scope", "machine.slice", "", "libvirt", "win-11", "", -1},
    {"/machine.slice/machine-qemu\\x2d.scope", "machine-qemu\\x2d.scope", "machine.slice", "", "nspawn", "qemu-", "",
     -1},

    /* Flatpak, snap, desktops */
    {USER "/app.slice/app-flatpak-org.telegram.desktop-12345.scope", "app-flatpak-org.telegram.desktop-12345.scope",
     "app.slice", "", "flatpak", "org.telegram.desktop", "", 1000},
    {USER "/app.slice/app-flatpak-org.telegram.desktop@12345.service", "app-flatpak-org.telegram.desktop@12345.service",
     "app.slice", "", "flatpak", "org.telegram.desktop", "", 1000},
    {USER "/apps.slice/flatpak-org.gnome.Maps-77.scope", "flatpak-org.gnome.Maps-77.scope", "apps.slice", "", "flatpak",
     "org.gnome.Maps", "", 1000},
    {USER "/app.slice/snap.firefox.firefox-3dcfaa86-bf58-4d3e-a7c6-4e34dfdb050f.scope",
     "snap.firefox.firefox-3dcfaa86-bf58-4d3e-a7c6-4e34dfdb050f.scope", "app.slice", "", "snap", "firefox", "", 1000},
    {"/system.slice/snap.lxd.daemon.service", "snap.lxd.daemon.service", "system.slice", "", "snap", "lxd", "", -1},
    {USER "/app.slice/snap.code.hook.configure.f0e1.scope", "snap.code.hook.configure.f0e1.scope", "app.slice", "",
     "snap", "code", "", 1000},
    {USER "/app.slice/app-gnome-firefox\\x2desr-4321.scope", "app-gnome-firefox\\x2desr-4321.scope", "app.slice", "",
     "desktop", "firefox-esr", "", 1000},
    {USER "/app.slice/app-org.kde.konsole@0a1b2c.service", "app-org.kde.konsole@0a1b2c.service", "app.slice", "",
     "desktop", "org.kde.konsole", "", 1000},
    {USER "/app.slice/app-ghostty-26675.scope", "app-ghostty-26675.scope", "app.slice", "", "desktop", "ghostty", "",
     1000},
    {USER "/app.slice/dbus-:1.2-org.gnome.Maps@0.service", "dbus-:1.2-org.gnome.Maps@0.service", "app.slice", "",
     "desktop", "org.gnome.Maps", "", 1000},
    {USER "/app.slice/app-gnome-term-1.scope/libpod-payload-" ID, "app-gnome-term-1.scope", "app.slice", "", "podman",
     ID, "", 1000},
    {USER "/app.slice/app-flatpak-org.a.B-1.scope/docker/" ID, "app-flatpak-org.a.B-1.scope", "app.slice", "",
     "flatpak", "org.a.B", "", 1000},
};

static void is_text(struct ps_text got, const char *want, const char *path, const char *what)
{
	ok(got.data && got.len == strlen(want) && strcmp(got.data, want) == 0, "%s: %s %s", path, what, want);
	if (!got.data || strcmp(got.data, want))
		printf("# got %.*s\n", (int)got.len, got.data ? got.data : "(null)");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].path);
		char *room = malloc(PLACE_ROOM(len));
		struct ps_place p;

		place_parse(&p, room, cases[i].path, len);
		is_text(p.cgroup, cases[i].path, cases[i].path, "cgroup");
		is_text(p.unit, cases[i].unit, cases[i].path, "unit");
		is_text(p.slice, cases[i].slice, cases[i].path, "slice");
		is_text(p.session, cases[i].session, cases[i].path, "session");
		is_text(p.engine, cases[i].engine, cases[i].path, "engine");
		is_text(p.container, cases[i].container, cases[i].path, "container");
		is_text(p.pod, cases[i].pod, cases[i].path, "pod");
		is_int(p.owner, cases[i].owner, "%s: owner", cases[i].path);
		free(room);
	}
	return tap_done();
}
