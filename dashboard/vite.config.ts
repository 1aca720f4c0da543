// SPDX-License-Identifier: Apache-2.0
// How the dashboard becomes static files: `make dashboard`. Each file that is worth it has a .gz beside it, which the
// coordinator sends as it is; a first load over its budget fails the build.
import react from "@vitejs/plugin-react";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vite";
import { licences } from "./licences.ts";

const FIRST_LOAD_MAX = 150 * 1024;
const COMPRESSED = /\.(html|js|css|svg|json|wasm|txt)$/;

interface Piece {
  name?: string;
  isEntry?: boolean;
  imports?: string[];
  viteMetadata?: { importedCss: Set<string> };
}

// What a browser loads before it shows a document: its entry, what that imports at once, and their style sheets.
function firstLoad(bundle: Record<string, Piece>, entry: string): Set<string> {
  const found = new Set<string>([`${bundle[entry]!.name}.html`]);
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    bundle[name]?.imports?.forEach(add);
    bundle[name]?.viteMetadata?.importedCss.forEach(add);
  };
  add(entry);
  return found;
}

function compressed(): Plugin {
  return {
    name: "compressed",
    writeBundle({ dir }, bundle) {
      const size: Record<string, number> = {};
      for (const name of Object.keys(bundle).filter((n) => COMPRESSED.test(n))) {
        const path = join(dir ?? "", name);
        const packed = gzipSync(readFileSync(path), { level: 9 });
        size[name] = packed.length;
        writeFileSync(`${path}.gz`, packed);
      }
      const pieces = bundle as Record<string, Piece>;
      for (const entry of Object.keys(pieces).filter((name) => pieces[name]!.isEntry)) {
        const first = [...firstLoad(pieces, entry)];
        const sum = first.reduce((n, name) => n + (size[name] ?? 0), 0);
        const line = `first load ${(sum / 1024).toFixed(1)} KB gzip of ${FIRST_LOAD_MAX / 1024} KB: ${first.join(" ")}`;
        if (sum > FIRST_LOAD_MAX) throw new Error(`over the budget: ${line}`);
        console.log(line);
      }
    },
  };
}

// The coordinator puts a nonce of its own into each answer with this document (src/coordinator/pages.h). What its script
// imports has that script's nonce.
function nonces(): Plugin {
  return {
    name: "nonces",
    enforce: "post",
    transformIndexHtml: {
      order: "post",
      handler: (html, { path }) =>
        path.endsWith("/wallet.html")
          ? html.replace(/<link rel="modulepreload"[^>]*>\s*/g, "").replace("<script ", '<script nonce="@NONCE@" ')
          : html,
    },
  };
}

// By its hash the page that verifies knows the code of an operator's register contract.
const register = readFileSync(join(import.meta.dirname, "../build/contracts/register.wasm"));

export default defineConfig({
  define: { REGISTER_CODE: JSON.stringify(createHash("sha256").update(register).digest("hex")) },
  plugins: [react(), nonces(), licences(), compressed()],
  // The verifier of quotes, with its WebAssembly within it: `make web` has made it before.
  resolve: { alias: { "outlayer-verify": join(import.meta.dirname, "../build/web/verify/verify.js") } },
  build: {
    rolldownOptions: { input: ["index.html", "verification.html", "wallet.html"] },
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1024,
  },
  server: { proxy: { "/public": process.env.COORDINATOR_URL ?? "http://127.0.0.1:8080" } },
});
