// SPDX-License-Identifier: Apache-2.0
// What is shown where a page's own program failed, or could not be loaded because the dashboard was made anew meanwhile.
import { Component, type ReactNode } from "react";
import { ErrorNote } from "./notes.tsx";

export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <>
        <h1 tabIndex={-1}>This page failed</h1>
        <ErrorNote error={this.state.error} retry={() => location.reload()} />
      </>
    );
  }
}
