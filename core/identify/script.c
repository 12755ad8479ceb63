/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/script.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {
	PLUS = 1 << 0,         /* options may begin with a plus, too */
	NEXT = 1 << 1,         /* the value of a short option is always the next word */
	LONG = 1 << 2,         /* words with a single dash are options as a whole */
	NOCASE = 1 << 3,       /* and in any case */
	BY_OPTION = 1 << 4,    /* only an option names a script; the first other word is something else */
	NEEDS_SUFFIX = 1 << 5, /* the first other word is a script if it ends in `suffix` ... */
	NEEDS_FORM = 1 << 6,   /* ... or looks like a file */
};

struct language {
	const char *names;  /* of its programs, before any version: "python" for python3.11 */
	const char *none;   /* short options instead of a script */
	const char *file;   /* whose value is the script */
	const char *value;  /* that take a value */
	const char *rest;   /* that take what follows in the same word */
	const char *words;  /* long options: behind each "!": none, ":": script, "=": value. Others have none */
	const char *before; /* words that may stand before the script: "run" */
	const char *suffix;
	unsigned flags;
};

static const struct language languages[] = {
    {.names = "sh bash dash ash ksh lksh mksh oksh yash posh rbash",
     .none = "cs",
     .value = "oO",
     .words = "--rcfile= --init-file=",
     .flags = PLUS | NEXT},
    {.names = "zsh", .none = "cs", .value = "o", .words = "--emulate=", .flags = PLUS | NEXT},
    {.names = "csh tcsh", .none = "cs"},
    {.names = "fish",
     .none = "c",
     .value = "CDdofp",
     .words = "--command! --init-command= --debug= --debug-output= --features= --profile= --profile-startup="},
    {.names = "python pypy", .none = "cm", .value = "WX", .words = "--check-hash-based-pycs= --jit="},
    {.names = "perl", .none = "eE", .value = "I", .rest = "0CdDFilmMVx"},
    {.names = "ruby",
     .none = "e",
     .value = "CEIr",
     .rest = "0FiKTWx",
     .words = "--encoding= --external-encoding= --internal-encoding="},
    {.names = "node nodejs",
     .none = "ep",
     .value = "rC",
     .words = "--eval! --print! --run! --require= --import= --loader= --experimental-loader= --conditions= --env-file= "
              "--input-type= --title= --icu-data-dir= --test-reporter= --test-name-pattern=",
     .before = "inspect debug"},
    {.names = "deno",
     .value = "cL",
     .words = "--config= --import-map= --log-level= --lock= --cert= --location=",
     .before = "run serve",
     .flags = NEEDS_FORM},
    {.names = "bun",
     .none = "ep",
     .value = "rc",
     .words = "--eval! --print! --preload= --require= --cwd= --port=",
     .before = "run",
     .flags = NEEDS_FORM},
    {.names = "php",
     .none = "rBREhvmi",
     .file = "fF",
     .value = "cdtzSb",
     .words = "--file: --process-file: --run! --process-code! --process-begin! --process-end! --php-ini= --define= "
              "--docroot= --server= --zend-extension= --bindpath="},
    {.names = "php-cgi", .file = "f", .value = "bcdzT", .none = "imv"},
    {.names = "lua texlua", .value = "el"},
    {.names = "luajit", .value = "elj", .rest = "O", .none = "b"},
    {.names = "awk mawk nawk original-awk", .file = "f", .value = "vFW", .flags = BY_OPTION},
    {.names = "gawk",
     .file = "fE",
     .value = "vFileW",
     .words = "--file: --exec: --assign= --field-separator= --include= --load= --source=",
     .flags = BY_OPTION},
    {.names = "Rscript", .none = "e", .value = "g"},
    {.names = "R", .file = "f", .value = "gd", .words = "--file: --args! -e!", .flags = BY_OPTION | LONG},
    {.names = "tclsh wish", .words = "-encoding=", .flags = LONG},
    {.names = "expect", .file = "f", .value = "cD"},
    {.names = "guile", .none = "c", .file = "s", .value = "elLxC"},
    {.names = "julia",
     .none = "eE",
     .value = "LptJCH",
     .words = "--eval! --print! --load= --procs= --threads= --sysimage= --cpu-target= --machine-file="},
    {.names = "ocaml", .none = "e", .value = "Iw", .words = "-init= -open= -ppx=", .flags = LONG},
    {.names = "escript"},
    {.names = "gjs gjs-console cjs",
     .none = "c",
     .value = "ICd",
     .words = "--command! --include-path= --coverage-prefix= --coverage-output="},
    {.names = "qjs", .none = "e", .value = "I", .words = "--eval! --include= --memory-limit= --stack-size="},
    {.names = "emacs", .words = "--script: -scriptload: -x:", .flags = LONG | BY_OPTION},
    {.names = "sbcl", .words = "--script:", .flags = LONG | BY_OPTION},
    {.names = "pwsh",
     .words = "-file: -f: -command! -c! -encodedcommand! -e! -ec! -executionpolicy= -ex= -ep= -inputformat= -inp= -if= "
              "-outputformat= -o= -of= -workingdirectory= -wd= -windowstyle= -w= -configurationname= -config= "
              "-configurationfile= -custompipename= -settingsfile= -settings=",
     .flags = LONG | NOCASE},
    {.names = "java",
     .words =
         "-jar: -cp= -classpath= --class-path= -p= --module-path= --upgrade-module-path= --add-modules= --add-reads= "
         "--add-exports= --add-opens= --limit-modules= --patch-module= --source= -m! --module! -d! --describe-module!",
     .suffix = ".java",
     .flags = LONG | NEEDS_SUFFIX},
    {.names = "dotnet",
     .words = "--depsfile= --runtimeconfig= --additionalprobingpath= --additional-deps= --fx-version= --roll-forward=",
     .before = "exec",
     .suffix = ".dll",
     .flags = NEEDS_SUFFIX},
    {.names = "mono mono-sgen", .words = "--config= --security= --profile="},
};

/* The loader of dynamically linked programs, which may be told to run one. */
static const struct language loader = {
    .words =
        "--library-path= --preload= --audit= --argv0= --inhibit-rpath= --glibc-hwcaps-prepend= --glibc-hwcaps-mask= "
        "--list! --verify! --help! --list-tunables! --list-diagnostics!",
};

/* ---- names ---- */

static const char *base_of(const char *path, size_t len, size_t *n)
{
	const char *slash = len ? memrchr(path, '/', len) : NULL;
	const char *base = slash ? slash + 1 : path;

	*n = (size_t)(path + len - base);
	return base;
}

static bool is_version(const char *s, size_t n)
{
	return n == 0 || isdigit((unsigned char)s[0]) ||
	       (n > 1 && (s[0] == '-' || s[0] == '.') && isdigit((unsigned char)s[1]));
}

static const struct language *language_of(const char *path, size_t len)
{
	size_t n;
	const char *base = base_of(path, len, &n);

	for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		for (const char *name = languages[i].names; *name; name += strspn(name, " ")) {
			size_t m = strcspn(name, " ");

			if (n >= m && memcmp(base, name, m) == 0 && is_version(base + m, n - m))
				return &languages[i];
			name += m;
		}
	/* ld-linux-x86-64.so.2, ld-musl-aarch64.so.1, ld-2.31.so, ld64.so.2 */
	if (n > 3 && memcmp(base, "ld", 2) == 0 && memmem(base, n, ".so", 3) && !isalpha((unsigned char)base[2]))
		return &loader;
	return NULL;
}

/* One program of many names: what it does is its first argument's name, or the second. */
static bool is_many(const char *path, size_t len)
{
	size_t n;
	const char *base = base_of(path, len, &n);

	return (n == 7 && memcmp(base, "busybox", 7) == 0) || (n == 6 && memcmp(base, "toybox", 6) == 0);
}

/* ---- words ---- */

struct words {
	struct ps_text left;
	bool whole;
};

/* SCRIPT_FOUND: *word is the next one; SCRIPT_NONE: there is none. */
static enum script_found next_word(struct words *w, struct ps_text *word)
{
	const char *end = w->left.len ? memchr(w->left.data, 0, w->left.len) : NULL;

	if (!end && !w->whole)
		return SCRIPT_MORE;
	if (!w->left.len)
		return SCRIPT_NONE;
	word->data = w->left.data;
	word->len = (uint32_t)(end ? end - w->left.data : w->left.len);
	w->left.data += word->len + (end ? 1 : 0);
	w->left.len -= word->len + (end ? 1 : 0);
	return SCRIPT_FOUND;
}

static enum script_found skip_word(struct words *w)
{
	struct ps_text word;

	return next_word(w, &word);
}

/* What follows a word in a list of such words, or 0: it is not in there. */
static char in_list(const char *list, struct ps_text word, bool nocase)
{
	while (list && *list) {
		size_t n = strcspn(list, "!:= ");

		if (n == word.len && (nocase ? strncasecmp(list, word.data, n) : memcmp(list, word.data, n)) == 0)
			return list[n] ? list[n] : ' ';
		list += n;
		list += strcspn(list, " ");
		list += *list == ' ';
	}
	return 0;
}

static bool has(const char *letters, char c)
{
	return letters && c && strchr(letters, c);
}

/* One option. SCRIPT_FOUND: *script is set, or NULL to go on. */
static enum script_found read_short(const struct language *l, struct words *w, struct ps_text word,
                                    struct ps_text *script)
{
	for (uint32_t i = 1; i < word.len; i++) {
		struct ps_text rest = {word.data + i + 1, word.len - i - 1};
		char c = word.data[i];

		if (has(l->none, c))
			return SCRIPT_NONE;
		if (has(l->file, c)) {
			*script = rest;
			return rest.len ? SCRIPT_FOUND : next_word(w, script);
		}
		if (has(l->rest, c))
			break;
		if (has(l->value, c)) {
			enum script_found more = !rest.len || l->flags & NEXT ? skip_word(w) : SCRIPT_FOUND;

			if (more != SCRIPT_FOUND)
				return more;
			if (!(l->flags & NEXT))
				break;
		}
	}
	return SCRIPT_FOUND;
}

static enum script_found read_long(const struct language *l, struct words *w, struct ps_text word,
                                   struct ps_text *script)
{
	const char *equals = memchr(word.data, '=', word.len);
	struct ps_text name = {word.data, equals ? (uint32_t)(equals - word.data) : word.len};

	switch (in_list(l->words, name, l->flags & NOCASE)) {
	case '!':
		return SCRIPT_NONE;
	case ':':
		if (!equals)
			return next_word(w, script);
		*script = (struct ps_text){equals + 1, word.len - name.len - 1};
		return SCRIPT_FOUND;
	case '=':
		return equals ? SCRIPT_FOUND : skip_word(w);
	default:
		return SCRIPT_FOUND;
	}
}

static bool ends_in(struct ps_text word, const char *suffix)
{
	size_t n = strlen(suffix);

	return word.len >= n && memcmp(word.data + word.len - n, suffix, n) == 0;
}

/* The first word that is no option. */
static enum script_found read_plain(const struct language *l, struct ps_text word, struct ps_text *script)
{
	if (l->flags & BY_OPTION || (l->flags & NEEDS_SUFFIX && !ends_in(word, l->suffix)))
		return SCRIPT_NONE;
	if (l->flags & NEEDS_FORM && !memchr(word.data, '.', word.len) && !memchr(word.data, '/', word.len))
		return SCRIPT_NONE;
	/* What is fetched is no file. */
	if (!word.len || memmem(word.data, word.len, "://", 3))
		return SCRIPT_NONE;
	*script = word;
	return SCRIPT_FOUND;
}

static enum script_found read_options(const struct language *l, struct words *w, struct ps_text *script)
{
	struct ps_text word = {"", 0};

	for (;;) {
		enum script_found found = next_word(w, &word);
		bool option = word.len > 1 && (word.data[0] == '-' || (word.data[0] == '+' && l->flags & PLUS));

		if (found != SCRIPT_FOUND)
			return found;
		if (word.len == 1 && word.data[0] == '-')
			return SCRIPT_NONE; /* standard input */
		if (word.len == 2 && memcmp(word.data, "--", 2) == 0) {
			found = next_word(w, &word);
			return found == SCRIPT_FOUND ? read_plain(l, word, script) : found;
		}
		if (!option) {
			if (in_list(l->before, word, false))
				continue;
			return read_plain(l, word, script);
		}
		*script = (struct ps_text){NULL, 0};
		if (word.data[1] == '-' || (l->flags & LONG && in_list(l->words, word, l->flags & NOCASE)))
			found = read_long(l, w, word, script);
		else
			found = read_short(l, w, word, script);
		if (found != SCRIPT_FOUND || script->data)
			return found;
	}
}

enum script_found script_of_args(const char *exe, struct ps_text args, bool whole, struct ps_text *script)
{
	const struct language *l = language_of(exe, strlen(exe));
	struct words w = {args, whole};
	enum script_found found;
	struct ps_text name;

	if (!l && !is_many(exe, strlen(exe)))
		return SCRIPT_NONE;
	found = next_word(&w, &name);
	if (!l && found == SCRIPT_FOUND && is_many(name.data, name.len))
		found = next_word(&w, &name);
	if (found != SCRIPT_FOUND)
		return found;
	if (!l)
		l = language_of(name.data, name.len);
	found = l ? read_options(l, &w, script) : SCRIPT_NONE;
	return found == SCRIPT_FOUND && !script->len ? SCRIPT_NONE : found;
}
