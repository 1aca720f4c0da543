// SPDX-License-Identifier: Apache-2.0
// What was read, or what stands in its place: that it is on its way, or why it is not there.
import type { ReactNode } from "react";
import { ErrorNote, Loading, Stale } from "./notes.tsx";

// As react-query has it.
export interface Query<T> {
  data: T | undefined;
  isError: boolean;
  error: Error | null;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface LoadedProps<T> {
  query: Query<T>;
  what: string; // "the workers"
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, what, children }: LoadedProps<T>) {
  if (query.data !== undefined)
    return (
      <>
        <Stale query={query} />
        {children(query.data)}
      </>
    );
  if (query.isError && query.error) return <ErrorNote error={query.error} retry={() => void query.refetch()} />;
  return <Loading what={what} />;
}
