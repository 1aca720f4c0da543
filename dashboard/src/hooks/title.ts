// SPDX-License-Identifier: Apache-2.0
import { useEffect } from "react";

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · OutLayer` : "OutLayer";
  }, [title]);
}
