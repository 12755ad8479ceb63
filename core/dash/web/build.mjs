// SPDX-License-Identifier: GPL-3.0-or-later
// Makes what the server embeds, and the list of it that C includes; or the tests for node.
//   node build.mjs page OUT NAME     OUT/: index.html, app-HASH.js, app-HASH.css, licences-HASH.txt, each with .gz, and manifest.h
//   node build.mjs test OUT          OUT/page.test.mjs
// NAME is what the manifest calls the folder. Sources are those beside this file; packages are found in ./node_modules.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const packages = resolve("node_modules");
const { build } = createRequire(join(packages, "x.js"))("esbuild");
const [what, out, name] = process.argv.slice(2);

const common = {
  bundle: true, write: false, legalComments: "none", nodePaths: [packages], absWorkingDir: here, logLevel: "warning",
  charset: "utf8",
};

async function page() {
  const made = await build({
    ...common, entryPoints: { app: join(here, "src/main.ts"), style: join(here, "style.css") }, minify: true, format: "iife",
    target: ["es2021"], outdir: "out", external: [],
  });
  const of = (end) => made.outputFiles.find((f) => f.path.endsWith(end)).contents;
  const licences = `The web page of picosnitch, GPL-3.0-or-later, contains:\n\nuPlot ${JSON.parse(readFileSync(join(packages, "uplot/package.json"), "utf8")).version}\n\n`
    + readFileSync(join(packages, "uplot/LICENSE"), "utf8") + "\n\n" + readFileSync(join(here, "palettes.txt"), "utf8");
  mkdirSync(out, { recursive: true });
  for (const old of readdirSync(out)) if (/^(app-|licences-|index\.html|manifest\.h)/.test(old)) rmSync(join(out, old));
  const list = [];
  const put = (id, file, type, content, path = `/assets/${file(hash(content))}`) => {
    const called = file(hash(content));
    writeFileSync(join(out, called), content);
    const packed = gzipSync(content, { level: 9 });
    packed[9] = 255; // made on any system
    writeFileSync(join(out, `${called}.gz`), packed);
    list.push(`PAGE_ASSET(${id}, "${path}", "${name}/${called}", "${type}; charset=utf-8", "${hash(content)}")`);
    return path;
  };
  const style = put("style", (h) => `app-${h.slice(0, 10)}.css`, "text/css", of(".css"));
  const terms = put("licences", (h) => `licences-${h.slice(0, 10)}.txt`, "text/plain", Buffer.from(licences));
  const script = put("script", (h) => `app-${h.slice(0, 10)}.js`, "text/javascript", of(".js"));
  const html = readFileSync(join(here, "index.html"), "utf8").replace("@STYLE@", style).replace('src="@SCRIPT@"', `src="${script}" data-licences="${terms}"`);
  put("index", () => "index.html", "text/html", Buffer.from(html), "/");
  writeFileSync(join(out, "manifest.h"), `/* Made by core/dash/web/build.mjs. */\n${list.reverse().join("\n")}\n`);
}

async function test() {
  mkdirSync(out, { recursive: true });
  const made = await build({ ...common, entryPoints: [join(here, "test/page.test.ts")], platform: "node", format: "esm", target: ["node18"], outdir: "out", external: ["node:*"] });
  writeFileSync(join(out, "page.test.mjs"), made.outputFiles[0].contents);
}

function hash(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

await (what === "page" ? page() : test());
