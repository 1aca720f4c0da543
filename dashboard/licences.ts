// SPDX-License-Identifier: Apache-2.0
// The licences of what is bundled, as their packages have them: most ask to go with each copy.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const PACKAGE = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;

function textOf(folder: string): string {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const words = file ? readFileSync(join(folder, file), "utf8").trim() : "(The package has no text of it.)";
  if (typeof about.license !== "string") throw new Error(`${folder} says no licence: it is not bundled`);
  return `${about.name} ${about.version}: ${about.license}\n\n${words}\n`;
}

function folderOf(module: string): string[] {
  const folder = PACKAGE.exec(module)?.[1];
  return folder && existsSync(join(folder, "package.json")) ? [folder] : [];
}

// One file of all, which the document links to.
export function licences(): Plugin {
  return {
    name: "licences",
    enforce: "post",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).flatMap((piece) => (piece.type === "chunk" ? piece.moduleIds : []));
      const folders = [...new Set(chunks.flatMap(folderOf))].sort();
      const source = folders.map(textOf).join(`\n${"-".repeat(72)}\n\n`);
      const file = this.getFileName(this.emitFile({ type: "asset", name: "licences.txt", source }));
      const document = bundle["index.html"];
      if (document?.type !== "asset") throw new Error("there is no index.html to link the licences from");
      document.source = `${document.source}`.replace("</head>", `  <link rel="license" href="/${file}">\n  </head>`);
    },
  };
}
