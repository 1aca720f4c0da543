// SPDX-License-Identifier: Apache-2.0
import { Link } from "wouter";
import { useTitle } from "../hooks/title.ts";

export function UnknownPage() {
  useTitle("No such page");
  return (
    <>
      <h1 tabIndex={-1}>There is no such page</h1>
      <p>
        <Link href="/executions">All executions</Link>
      </p>
    </>
  );
}
