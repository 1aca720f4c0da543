// SPDX-License-Identifier: Apache-2.0
// The register contract that was built from the same sources as these pages.
declare const REGISTER_CODE: string; // which vite.config.ts puts here

// The SHA-256 of its code. null: the pages were not built, as in unit tests.
export const registerCode: string | null = typeof REGISTER_CODE === "string" ? REGISTER_CODE : null;
