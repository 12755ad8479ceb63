/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which script an interpreter was started on, from its command line. */
#include <stdlib.h>

#include "core/identify/script.h"
#include "tests/tap.h"

/* Words are parted by blanks; want NULL: there is no script. */
static const struct {
	const char *exe, *args, *want;
} cases[] = {
    {"/usr/bin/curl", "curl x.py", NULL},
    {"/usr/bin/pythonic", "pythonic x.py", NULL},
    {"/usr/bin/env", "env python3 x.py", NULL},

    {"/usr/bin/python3.11", "python3 x.py", "x.py"},
    {"/usr/bin/python3.11", "python3 -u -W ignore /opt/x.py -c y", "/opt/x.py"},
    {"/usr/bin/python3.11", "python3 -Wignore -X dev x.py", "x.py"},
    {"/usr/bin/python3.11", "python3 -c print() x.py", NULL},
    {"/usr/bin/python3.11", "python3 -Ic print() x.py", NULL},
    {"/usr/bin/python3.11", "python3 -m http.server", NULL},
    {"/usr/bin/python3.11", "python3 -mhttp.server", NULL},
    {"/usr/bin/python3.11", "python3", NULL},
    {"/usr/bin/python3.11", "python3 -", NULL},
    {"/usr/bin/python3.11", "python3 -- -x.py", "-x.py"},
    {"/usr/bin/python3.11", "python3 --check-hash-based-pycs never x.py", "x.py"},
    {"/usr/bin/python3-dbg", "python3-dbg x.py", "x.py"},
    {"/usr/bin/pypy3", "pypy3 x.py", "x.py"},

    {"/usr/bin/dash", "sh x.sh y", "x.sh"},
    {"/usr/bin/dash", "sh -c x.sh y", NULL},
    {"/usr/bin/bash", "bash -exc x.sh y", NULL},
    {"/usr/bin/bash", "bash -euo pipefail x.sh", "x.sh"},
    {"/usr/bin/bash", "bash -o errexit +O extglob --norc --rcfile rc x.sh", "x.sh"},
    {"/usr/bin/bash", "bash -s x.sh", NULL},
    {"/usr/bin/bash", "-bash", NULL},
    {"/usr/bin/bash", "bash --login", NULL},
    {"/usr/bin/zsh-5.9", "zsh -f x.zsh", "x.zsh"},
    {"/usr/bin/fish", "fish -C init x.fish", "x.fish"},
    {"/usr/bin/ksh93", "ksh x", "x"},
    {"/usr/bin/tcsh", "tcsh -f x", "x"},

    {"/usr/bin/perl5.36-x86_64-linux-gnu", "perl -w -I lib -Mstrict x.pl", "x.pl"},
    {"/usr/bin/perl", "perl -i.bak -pe s/a/b/ x", NULL},
    {"/usr/bin/perl", "perl -0777 x.pl", "x.pl"},
    {"/usr/bin/ruby3.1", "ruby -rjson -I lib x.rb", "x.rb"},
    {"/usr/bin/ruby3.1", "ruby -ne puts x", NULL},
    {"/usr/bin/node", "node --require ts-node/register app.js", "app.js"},
    {"/usr/bin/node", "node --require=x app.js", "app.js"},
    {"/usr/bin/node", "node -pe 1", NULL},
    {"/usr/bin/node", "node inspect app.js", "app.js"},
    {"/usr/bin/deno", "deno run --allow-net -c deno.json x.ts", "x.ts"},
    {"/usr/bin/deno", "deno run https://example.org/x.ts", NULL},
    {"/usr/bin/deno", "deno install", NULL},
    {"/usr/bin/bun", "bun run ./x.ts", "./x.ts"},
    {"/usr/bin/bun", "bun run build", NULL},
    {"/usr/bin/php8.2", "php -d a=b x.php", "x.php"},
    {"/usr/bin/php8.2", "php -f x.php -- -y", "x.php"},
    {"/usr/bin/php8.2", "php -fx.php", "x.php"},
    {"/usr/bin/php8.2", "php --file x.php", "x.php"},
    {"/usr/bin/php8.2", "php -r phpinfo();", NULL},
    {"/usr/bin/php8.2", "php -S localhost:8000 -t www router.php", "router.php"},
    {"/usr/bin/php-cgi8.2", "php-cgi x.php", "x.php"},
    {"/usr/bin/lua5.4", "lua -l socket -e x=1 x.lua", "x.lua"},
    {"/usr/bin/lua5.4", "lua -e x=1", NULL},
    {"/usr/bin/gawk", "awk -F: -f x.awk data", "x.awk"},
    {"/usr/bin/gawk", "awk --file=x.awk data", "x.awk"},
    {"/usr/bin/gawk", "awk {print} data", NULL},
    {"/usr/bin/mawk", "awk -v a=1 -fx.awk data", "x.awk"},
    {"/usr/bin/Rscript", "Rscript --vanilla x.R", "x.R"},
    {"/usr/lib/R/bin/exec/R", "R --no-echo --file=x.R --args y", "x.R"},
    {"/usr/lib/R/bin/exec/R", "R x.R", NULL},
    {"/usr/bin/tclsh8.6", "tclsh -encoding utf-8 x.tcl", "x.tcl"},
    {"/usr/bin/expect", "expect -f x.exp y", "x.exp"},
    {"/usr/bin/guile-3.0", "guile -e main -s x.scm", "x.scm"},
    {"/opt/microsoft/powershell/7/pwsh", "pwsh -NoProfile -File x.ps1", "x.ps1"},
    {"/opt/microsoft/powershell/7/pwsh", "pwsh -ExecutionPolicy Bypass x.ps1", "x.ps1"},
    {"/opt/microsoft/powershell/7/pwsh", "pwsh -Command ls", NULL},
    {"/usr/lib/jvm/java-17/bin/java", "java -Xmx1g -cp a.jar Main", NULL},
    {"/usr/lib/jvm/java-17/bin/java", "java -Xmx1g -jar /opt/x.jar y", "/opt/x.jar"},
    {"/usr/lib/jvm/java-17/bin/java", "java Main.java", "Main.java"},
    {"/usr/bin/dotnet", "dotnet exec --depsfile d app.dll", "app.dll"},
    {"/usr/bin/dotnet", "dotnet build", NULL},
    {"/usr/bin/mono-sgen", "mono app.exe", "app.exe"},

    {"/usr/bin/busybox", "sh x.sh", "x.sh"},
    {"/usr/bin/busybox", "busybox sh x.sh", "x.sh"},
    {"/usr/bin/busybox", "/bin/ash -c x", NULL},
    {"/usr/bin/busybox", "busybox wget x.sh", NULL},
    {"/usr/bin/busybox", "busybox", NULL},
    {"/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2 --preload x.so ./prog y", "./prog"},
    {"/lib/ld-musl-x86_64.so.1", "ld-musl-x86_64.so.1 ./prog", "./prog"},
    {"/usr/bin/ldd.so", "ldd.so x", NULL},
};

static struct ps_text words(char *room, const char *args)
{
	uint32_t n = (uint32_t)strlen(args) + 1;

	memcpy(room, args, n);
	for (uint32_t i = 0; i < n; i++)
		if (room[i] == ' ')
			room[i] = 0;
	return (struct ps_text){room, n};
}

/* The same from its beginning alone is the same, or not to be told yet. */
static int agrees(const char *exe, struct ps_text args, enum script_found whole, struct ps_text script)
{
	for (uint32_t n = 0; n < args.len; n++) {
		struct ps_text cut = {args.data, n}, early = {"", 0};
		enum script_found found = script_of_args(exe, cut, false, &early);

		if (found == SCRIPT_FOUND && (whole != SCRIPT_FOUND || early.data != script.data || early.len != script.len))
			return 0;
		if (found == SCRIPT_NONE && whole != SCRIPT_NONE)
			return 0;
	}
	return 1;
}

int main(void)
{
	char room[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ps_text args = words(room, cases[i].args), script = {"", 0};
		enum script_found found = script_of_args(cases[i].exe, args, true, &script);
		const char *got = found == SCRIPT_FOUND ? script.data : "none";

		is_str(got, cases[i].want ? cases[i].want : "none", "%s: %s", cases[i].exe, cases[i].args);
		ok(agrees(cases[i].exe, args, found, script), "and so from its beginning");
	}
	return tap_done();
}
