// SPDX-License-Identifier: Apache-2.0
// schema.ts OPENAPI.json OUT.ts: types of what the coordinator answers, made from its own description.
import { readFileSync, writeFileSync } from "node:fs";

interface Schema {
  type?: string;
  enum?: string[];
  anyOf?: Schema[];
  items?: Schema;
  $ref?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
}

const PLAIN: Record<string, string> = {
  integer: "Integer",
  string: "string",
  boolean: "boolean",
  null: "null",
  number: "number",
};

function typeOf(schema: Schema): string {
  if (schema.$ref) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  if (schema.type === "array") return `(${typeOf(schema.items ?? {})})[]`;
  if (schema.type === "object" && schema.properties) return `{\n${membersOf(schema)}}`;
  return PLAIN[schema.type ?? ""] ?? "unknown";
}

function membersOf(schema: Schema): string {
  const must = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {})
    .map(([name, member]) => {
      const about = member.description ? `  /** ${member.description.replaceAll("*/", "")} */\n` : "";
      const type = typeOf(member);
      return `${about}  ${JSON.stringify(name)}${must.has(name) ? `: ${type}` : `?: ${type} | undefined`};\n`;
    })
    .join("");
}

const [from = "", to = ""] = process.argv.slice(2);
const document = JSON.parse(readFileSync(from, "utf8")) as { components: { schemas: Record<string, Schema> } };
const types = Object.entries(document.components.schemas).map(([name, schema]) =>
  schema.type === "object"
    ? `export interface ${name} {\n${membersOf(schema)}}\n`
    : `export type ${name} = ${typeOf(schema)};\n`,
);
writeFileSync(
  to,
  `// SPDX-License-Identifier: Apache-2.0\n// Made from docs/openapi.json by schema.ts.\nimport type { Integer } from "./exact.ts";\n\n${types.join("\n")}`,
);
